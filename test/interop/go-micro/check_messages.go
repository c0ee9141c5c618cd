package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/micro/micro/v5/service"
	"github.com/micro/micro/v5/service/broker"
	"github.com/micro/micro/v5/service/events"

	"micro-ts/interop-go-micro/note"
)

const saidTopic = "go-micro-said"

// Mailbox keeps what was heard.
type Mailbox struct {
	lock  sync.Mutex
	names []string
}

func (box *Mailbox) hear(_ context.Context, message *note.Note) error {
	box.lock.Lock()
	defer box.lock.Unlock()
	box.names = append(box.names, message.Name)
	return nil
}

func (box *Mailbox) read() []string {
	box.lock.Lock()
	defer box.lock.Unlock()
	return append([]string{}, box.names...)
}

// Said publishes a message, which the subscriber of this service hears.
func (checks *Checks) Said(ctx context.Context, _, _ *note.Note) error {
	name := fmt.Sprint("said-", time.Now().UnixNano())
	return until(ctx, func() error {
		// Nothing is kept for those who come later, so it is said until it is heard.
		if err := service.NewEvent(saidTopic).Publish(ctx, &note.Note{Name: name}); err != nil {
			return err
		}
		for _, each := range checks.said.read() {
			if each == name {
				return nil
			}
		}
		return errors.New("nothing was heard")
	})
}

// Heard gives what was published to the topic of this service from elsewhere.
func (checks *Checks) Heard(_ context.Context, _, response *note.Note) error {
	response.Tags = checks.said.read()
	return nil
}

// Broker passes bytes and headers on, and nothing of the publisher's identity.
func (*Checks) Broker(ctx context.Context, _, _ *note.Note) error {
	heard := make(chan *broker.Message, 100)
	subscription, err := broker.DefaultBroker.Subscribe("go-micro-raw", func(message *broker.Message) error {
		heard <- message
		return nil
	})
	if err != nil {
		return err
	}
	message := &broker.Message{Header: map[string]string{"My-Key": "v"}, Body: []byte("said")}
	failure := until(ctx, func() error {
		if err := broker.DefaultBroker.Publish("go-micro-raw", message); err != nil {
			return err
		}
		select {
		case got := <-heard:
			return errors.Join(want("body", string(got.Body), "said"), want("header", got.Header["My-Key"], "v"),
				want("authorization", got.Header["Authorization"], ""))
		case <-time.After(50 * time.Millisecond):
			return errors.New("nothing was heard")
		}
	})
	return errors.Join(failure, subscription.Unsubscribe())
}

// Events come in order, are refused once, come again, and are done with when they are acknowledged.
func (*Checks) Events(ctx context.Context, _, _ *note.Note) error {
	topic := fmt.Sprint("go-micro-events-", time.Now().UnixNano())
	for n := 1; n <= 3; n++ {
		if err := events.Publish(topic, map[string]int{"n": n}, events.WithMetadata(map[string]string{"k": "v"})); err != nil {
			return err
		}
	}
	consumer, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := events.Consume(topic, events.WithGroup("go"), events.WithOffset(time.Now().Add(-time.Minute)),
		events.WithAutoAck(false, 10*time.Second), events.WithRetryLimit(5), events.WithContext(consumer))
	if err != nil {
		return err
	}
	attempts := map[int]int{}
	for len(attempts) < 3 || attempts[2] < 2 {
		event, err := next(ctx, stream)
		if err != nil {
			return fmt.Errorf("%w after %v", err, attempts)
		}
		payload := map[string]int{}
		if err := errors.Join(event.Unmarshal(&payload), want("metadata", event.Metadata["k"], "v"), want("topic", event.Topic, topic)); err != nil {
			return err
		}
		attempts[payload["n"]]++
		answer := event.Ack
		if payload["n"] == 2 && attempts[2] == 1 {
			answer = event.Nack
		}
		if err := answer(); err != nil {
			return err
		}
	}
	return want("attempts", attempts, map[int]int{1: 1, 2: 2, 3: 1})
}

// History of a topic is read in order, from anywhere; who begins to consume without a time gets what comes after that.
func (*Checks) History(ctx context.Context, _, _ *note.Note) error {
	topic := fmt.Sprint("go-micro-history-", time.Now().UnixNano())
	publish := func(from, to int) error {
		for n := from; n <= to; n++ {
			if err := events.Publish(topic, map[string]int{"n": n}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := publish(1, 5); err != nil {
		return err
	}
	read, err := events.Read(topic, events.ReadOffset(1), events.ReadLimit(3))
	if err != nil {
		return err
	}
	consumer, cancel := context.WithCancel(ctx)
	defer cancel()
	live, err := events.Consume(topic, events.WithContext(consumer))
	if err != nil {
		return err
	}
	// The framework does not say when the consumer has begun.
	heard := until(ctx, func() error {
		if err := publish(6, 6); err != nil {
			return err
		}
		select {
		case event := <-live:
			return want("live", numbers([]*events.Event{&event}), "[6]")
		case <-time.After(50 * time.Millisecond):
			return errors.New("no event came")
		}
	})
	return errors.Join(heard, want("numbers", numbers(read), "[2 3 4]"))
}

func numbers(list []*events.Event) []int {
	found := []int{}
	for _, each := range list {
		payload := map[string]int{}
		if err := each.Unmarshal(&payload); err != nil {
			payload["n"] = -1
		}
		found = append(found, payload["n"])
	}
	return found
}

func next(ctx context.Context, stream <-chan events.Event) (events.Event, error) {
	select {
	case event, isOpen := <-stream:
		if !isOpen {
			return events.Event{}, errors.New("the stream ended")
		}
		return event, nil
	case <-ctx.Done():
		return events.Event{}, errOver
	}
}
