package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Object is a message in JSON.
type Object = map[string]any

// Session is what the checks work with: the network and the port of the broker, as an account that may use both.
type Session struct {
	network *Caller
	broker  *Caller
}

type check struct {
	name string
	run  func(context.Context, Session) error
}

var checks = []check{
	{"calls a TypeScript service in both encodings", callTypeScript},
	{"streams to and from a TypeScript service", streamTypeScript},
	{"reads the registry in both encodings", readRegistry},
	{"watches the registry without ending its side", watchRegistry},
	{"writes, reads and lists records", useStore},
	{"writes and reads a blob in pieces", useBlobs},
	{"sets and gets config", useConfig},
	{"publishes on the broker's port and hears it through the network", useBroker},
	{"consumes events with acknowledgements on the same stream", consumeEvents},
	{"finds code, text and detail in an error", readErrors},
	{"is told when its time is over", exceedDeadline},
	{"gets headers and trailers of a service through the network", readTrailers},
}

// runClient runs every check and prints a line of JSON for each: its name, and what went wrong.
func runClient(network, broker, token string) error {
	session := Session{}
	for target, address := range map[**Caller]string{&session.network: network, &session.broker: broker} {
		caller, err := dial(address, token, "proto")
		if err != nil {
			return err
		}
		*target = caller
	}
	for _, each := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		failure := ""
		if err := each.run(ctx, session); err != nil {
			failure = err.Error()
		}
		cancel()
		line, err := json.Marshal(Object{"name": each.name, "failure": failure})
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return nil
}

func want(what string, got, wanted any) error {
	if fmt.Sprint(got) == fmt.Sprint(wanted) {
		return nil
	}
	return fmt.Errorf("%s is %v, not %v", what, got, wanted)
}

func callTypeScript(_ context.Context, session Session) error {
	var inProto Raw
	if err := session.network.unary("/greeter.Greeter/Hello", text(1, "Go"), &inProto); err != nil {
		return err
	}
	inJSON := Object{}
	if err := session.network.as("json").unary("/greeter.Greeter/Hello", Object{"name": "Go"}, &inJSON); err != nil {
		return err
	}
	return errors.Join(
		want("msg in protobuf", read(inProto).text(1), "Hello Go"),
		want("msg in JSON", inJSON["msg"], "Hello Go"),
		want("an int64 in JSON", fmt.Sprintf("%T %v", inJSON["count"], inJSON["count"]), "string 1"),
	)
}

func streamTypeScript(ctx context.Context, session Session) error {
	languages, err := session.network.stream(ctx, "/greeter.Greeter/Languages", text(1, "Go"))
	if err != nil {
		return err
	}
	greetings, err := receiveAll(languages)
	if err != nil {
		return err
	}
	everybody, err := session.network.stream(ctx, "/greeter.Greeter/Everybody", text(1, "Ann"), text(1, "Bob"))
	if err != nil {
		return err
	}
	if err := everybody.CloseSend(); err != nil {
		return err
	}
	all, err := receiveAll(everybody)
	if err != nil {
		return err
	}
	chat, err := session.network.as("json").stream(ctx, "/greeter.Greeter/Chat")
	if err != nil {
		return err
	}
	for n := 1; n <= 3; n++ {
		answer := Object{}
		if err := errors.Join(chat.SendMsg(Object{"name": "Go"}), chat.RecvMsg(&answer), want("count", answer["count"], n)); err != nil {
			return err
		}
	}
	return errors.Join(want("greetings", len(greetings), 4), want("all", len(all), 1), want("text", read(all[0]).text(1), "Hello Ann, Bob"))
}

func receiveAll(stream grpc.ClientStream) ([]Raw, error) {
	received := []Raw{}
	for {
		var message Raw
		if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
			return received, nil
		} else if err != nil {
			return nil, err
		}
		received = append(received, message)
	}
}

func readRegistry(_ context.Context, session Session) error {
	var found Raw
	if err := session.network.unary("/registry.Registry/GetService", join(text(1, "store"), part(2, text(2, "micro"))), &found); err != nil {
		return err
	}
	listed := struct{ Services []Object }{}
	if err := session.network.as("json").unary("/registry.Registry/ListServices", Object{}, &listed); err != nil {
		return err
	}
	names := map[any]bool{}
	for _, each := range listed.Services {
		names[each["name"]] = true
	}
	return errors.Join(
		want("service", read(read(found).part(1)).text(1), "store"),
		want("this service is listed", names[serviceName], true),
	)
}

func watchRegistry(ctx context.Context, session Session) error {
	watch, err := session.network.stream(ctx, "/registry.Registry/Watch", join(text(1, "go-watched"), part(2, text(2, "micro"))))
	if err != nil {
		return err
	}
	// The watch answers nothing until something happens, so the entry is registered until it has been seen.
	seen := make(chan error, 1)
	go func() {
		var result Raw
		err := watch.RecvMsg(&result)
		seen <- errors.Join(err, want("action", read(result).text(1), "create"))
	}()
	node := part(5, text(1, "go-watched-1"), text(2, "127.0.0.1:1"))
	entry := join(text(1, "go-watched"), text(2, "1"), node, part(6, number(1, 10), text(2, "micro")))
	for {
		if err := session.network.unary("/registry.Registry/Register", entry, new(Raw)); err != nil {
			return err
		}
		select {
		case err := <-seen:
			return errors.Join(err, session.network.unary("/registry.Registry/Deregister", entry, new(Raw)))
		case <-time.After(200 * time.Millisecond):
			if err := session.network.unary("/registry.Registry/Deregister", entry, new(Raw)); err != nil {
				return err
			}
		}
	}
}

func useStore(ctx context.Context, session Session) error {
	table := join(text(1, "micro"), text(2, "go"))
	record := part(1, text(1, "k1"), text(2, "v1"))
	if err := session.network.unary("/store.Store/Write", join(record, part(2, table)), new(Raw)); err != nil {
		return err
	}
	var answer Raw
	if err := session.network.unary("/store.Store/Read", join(text(1, "k1"), part(2, table)), &answer); err != nil {
		return err
	}
	list, err := session.network.stream(ctx, "/store.Store/List", part(1, table))
	if err != nil {
		return err
	}
	keys, err := receiveAll(list)
	if err != nil {
		return err
	}
	if err := want("messages of the list", len(keys), 1); err != nil {
		return err
	}
	err = session.network.unary("/store.Store/Delete", join(text(1, "k1"), part(2, table)), new(Raw))
	return errors.Join(err, want("value", read(read(answer).part(1)).text(2), "v1"), want("key", read(keys[0]).text(2), "k1"))
}

func useBlobs(ctx context.Context, session Session) error {
	piece := bytes.Repeat([]byte("0123456789abcdef"), 16*1024)
	options := part(2, text(1, "micro"))
	write, err := session.network.stream(ctx, "/store.BlobStore/Write", join(text(1, "go-blob"), options, part(3, piece)), part(3, piece))
	if err != nil {
		return err
	}
	if err := errors.Join(write.CloseSend(), write.RecvMsg(new(Raw))); err != nil {
		return err
	}
	content, err := session.network.stream(ctx, "/store.BlobStore/Read", join(text(1, "go-blob"), options))
	if err != nil {
		return err
	}
	pieces, err := receiveAll(content)
	size := 0
	for _, each := range pieces {
		size += len(read(each).part(1))
	}
	return errors.Join(err, want("bytes", size, 2*len(piece)))
}

func useConfig(_ context.Context, session Session) error {
	set := join(text(1, "micro"), text(2, "go.greeting"), part(3, text(1, `{"text":"hello"}`), text(2, "json")))
	if err := session.network.unary("/config.Config/Set", set, new(Raw)); err != nil {
		return err
	}
	var answer Raw
	if err := session.network.unary("/config.Config/Get", join(text(1, "micro"), text(2, "go.greeting.text")), &answer); err != nil {
		return err
	}
	return want("value", read(read(answer).part(1)).text(1), `"hello"`)
}

func useBroker(ctx context.Context, session Session) error {
	subscription, err := session.network.stream(ctx, "/broker.Broker/Subscribe", text(1, "go-topic"))
	if err != nil {
		return err
	}
	heard := make(chan error, 1)
	go func() {
		var message Raw
		err := subscription.RecvMsg(&message)
		heard <- errors.Join(err, want("body", read(message).text(2), "said"))
	}()
	header := part(1, text(1, "Micro-Topic"), text(2, "go-topic"))
	for {
		// Nothing is kept for those who come later, so it is said until it is heard.
		request := join(text(1, "go-topic"), part(2, header, text(2, "said")))
		if err := session.broker.unary("/broker.Broker/Publish", request, new(Raw)); err != nil {
			return err
		}
		select {
		case err := <-heard:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func consumeEvents(ctx context.Context, session Session) error {
	topic := fmt.Sprint("go-events-", time.Now().UnixNano())
	caller := session.network.as("json")
	for _, payload := range []string{"one", "two"} {
		event := Object{"topic": topic, "payload": base64.StdEncoding.EncodeToString([]byte(payload))}
		if err := caller.unary("/events.Stream/Publish", event, new(Object)); err != nil {
			return err
		}
	}
	begin := join(text(1, "go-group"), text(2, topic), number(3, time.Now().Add(-time.Minute).Unix()), number(5, int64(time.Minute)), number(6, 5))
	consumer, err := session.network.stream(ctx, "/events.Stream/Consume", begin)
	if err != nil {
		return err
	}
	attempts := map[string]int{}
	for len(attempts) < 2 || attempts["one"] < 2 {
		var event Raw
		if err := consumer.RecvMsg(&event); err != nil {
			return err
		}
		payload := read(event).text(4)
		attempts[payload]++
		// The first one is refused once, and has to come again.
		isDone := int64(1)
		if payload == "one" && attempts[payload] == 1 {
			isDone = 0
		}
		if err := consumer.SendMsg(join(text(1, read(event).text(1)), number(2, isDone))); err != nil {
			return err
		}
	}
	return errors.Join(want("attempts", attempts["one"], 2), want("attempts", attempts["two"], 1))
}

func readErrors(_ context.Context, session Session) error {
	options := part(2, text(1, "micro"), text(2, "go"))
	err := session.network.unary("/store.Store/Read", join(text(1, "missing"), options), new(Raw))
	failed := status.Convert(err)
	body := Object{}
	if err := json.Unmarshal([]byte(failed.Message()), &body); err != nil {
		return fmt.Errorf("the message %q is no JSON", failed.Message())
	}
	details := failed.Proto().GetDetails()
	if len(details) != 1 {
		return fmt.Errorf("there are %d details", len(details))
	}
	unknown := session.network.unary("/nobody.Nobody/Nothing", Raw{}, new(Raw))
	return errors.Join(
		want("status", failed.Code(), codes.NotFound),
		want("code", body["code"], 404),
		want("type of the detail", details[0].GetTypeUrl(), "type.googleapis.com/Error"),
		want("code of the detail", read(details[0].GetValue()).number(2), 404),
		want("status of no service", status.Code(unknown), codes.NotFound),
	)
}

func exceedDeadline(_ context.Context, session Session) error {
	err := session.network.unaryWithin(100*time.Millisecond, "/"+serviceName+".Greeter/Wait", &Note{}, &Note{})
	return want("status", status.Code(err), codes.DeadlineExceeded)
}
func readTrailers(_ context.Context, session Session) error {
	var header, trailer metadata.MD
	answer := Note{}
	err := session.network.unary("/"+serviceName+".Greeter/Hello", &Note{Name: "Go"}, &answer, grpc.Header(&header), grpc.Trailer(&trailer))
	return errors.Join(err,
		want("msg", answer.Msg, "Hello Go"),
		want("header", header.Get("x-served-by"), "["+serviceName+"]"),
		want("trailer", trailer.Get("x-greeted"), "[Go]"),
	)
}
