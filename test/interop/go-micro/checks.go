package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Checks are what this service asks of the server and of its neighbours, each an endpoint: an error says what was wrong.
type Checks struct {
	said *Mailbox
}

func want(what string, got, wanted any) error {
	if fmt.Sprint(got) == fmt.Sprint(wanted) {
		return nil
	}
	return fmt.Errorf("%s is %v, not %v", what, got, wanted)
}

var errOver = errors.New("waited in vain")

// until tries again until it works or the time of the caller is over, whose last failure is then the answer.
func until(ctx context.Context, try func() error) error {
	for {
		failure := try()
		if failure == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(errOver, failure)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
