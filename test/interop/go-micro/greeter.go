package main

import (
	"context"
	stderrors "errors"
	"io"
	"strings"

	"github.com/micro/micro/v5/service/auth"
	microcontext "github.com/micro/micro/v5/service/context"
	"github.com/micro/micro/v5/service/errors"
	"github.com/micro/micro/v5/service/server"

	"micro-ts/interop-go-micro/note"
)

const serviceName = "go-micro-greeter"

// Greeter answers in each of the four ways that a call can go.
type Greeter struct{}

// Hello gives back what the framework made of the request, and what it knows of the call.
func (*Greeter) Hello(ctx context.Context, request, response *note.Note) error {
	trace, _ := microcontext.GetMetadata(ctx, "x-trace")
	response.Msg = "Hello " + request.Name
	if request.Loud {
		response.Msg = strings.ToUpper(response.Msg)
	}
	response.N = request.N + 1
	response.Data = request.Data
	response.Tags = request.Tags
	response.Labels = map[string]string{"trace": trace}
	for key, value := range request.Labels {
		response.Labels[key] = value
	}
	return nil
}

// Whoami names the account that the framework found for the caller.
func (*Greeter) Whoami(ctx context.Context, _, response *note.Note) error {
	account, isKnown := auth.AccountFromContext(ctx)
	if !isKnown {
		return errors.Unauthorized(serviceName, "nobody calls")
	}
	response.Name = account.ID
	response.Msg = account.Issuer
	response.Tags = account.Scopes
	return nil
}

// Fail refuses in the framework's own way.
func (*Greeter) Fail(_ context.Context, request, _ *note.Note) error {
	return errors.Conflict(serviceName, "no greeting for %s, 100%% sure", request.Name)
}

// Panic is a handler with a bug.
func (*Greeter) Panic(context.Context, *note.Note, *note.Note) error {
	panic("a bug")
}

// Wait ends when its caller has no more time for it, or has gone.
func (*Greeter) Wait(ctx context.Context, _, _ *note.Note) error {
	<-ctx.Done()
	return ctx.Err()
}

// Count sends as many messages as it is asked for.
func (*Greeter) Count(_ context.Context, stream server.Stream) error {
	request := new(note.Note)
	if err := stream.Recv(request); err != nil {
		return err
	}
	for n := int64(1); n <= request.N; n++ {
		if err := stream.Send(&note.Note{Name: request.Name, N: n}); err != nil {
			return err
		}
	}
	if request.Loud {
		return errors.Forbidden(serviceName, "no further than %d", request.N)
	}
	return nil
}

// Sum adds up what it is sent, and says so at the end.
func (*Greeter) Sum(_ context.Context, stream server.Stream) error {
	sum := int64(0)
	for {
		request := new(note.Note)
		if err := stream.Recv(request); stderrors.Is(err, io.EOF) {
			return stream.Send(&note.Note{N: sum})
		} else if err != nil {
			return err
		}
		sum += request.N
	}
}

// Chat answers each message as it comes.
func (*Greeter) Chat(_ context.Context, stream server.Stream) error {
	for {
		request := new(note.Note)
		if err := stream.Recv(request); stderrors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.Send(&note.Note{Msg: "Hello " + request.Name, N: request.N}); err != nil {
			return err
		}
	}
}
