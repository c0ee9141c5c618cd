package main

import (
	"context"
	stderrors "errors"
	"io"
	"time"

	"github.com/micro/micro/v5/service/client"
	microcontext "github.com/micro/micro/v5/service/context"
	"github.com/micro/micro/v5/service/errors"
	"github.com/micro/micro/v5/service/registry"

	"micro-ts/interop-go-micro/note"
)

// Calls the TypeScript service greeter, in both encodings.
func (*Checks) Calls(ctx context.Context, _, _ *note.Note) error {
	for _, encoding := range []string{"application/protobuf", "application/json"} {
		response := new(note.Greeting)
		request := client.NewRequest("greeter", "Greeter.Hello", &note.Note{Name: "Go"}, client.WithContentType(encoding))
		if err := client.Call(ctx, request, response); err != nil {
			return stderrors.Join(stderrors.New(encoding), err)
		}
		if err := want("msg in "+encoding, response.Msg, "Hello Go"); err != nil {
			return err
		}
	}
	return nil
}

// Streams to and from the TypeScript service greeter.
func (*Checks) Streams(ctx context.Context, _, _ *note.Note) error {
	return stderrors.Join(readLanguages(ctx), greetEverybody(ctx), chat(ctx))
}

func openStream(ctx context.Context, endpoint string) (client.Stream, error) {
	request := client.NewRequest("greeter", endpoint, new(note.Note), client.StreamingRequest())
	return client.DefaultClient.Stream(ctx, request)
}

func readLanguages(ctx context.Context) error {
	stream, err := openStream(ctx, "Greeter.Languages")
	if err != nil {
		return err
	}
	if err := stream.Send(&note.Note{Name: "Go"}); err != nil {
		return err
	}
	count := 0
	for {
		if err := stream.Recv(new(note.Greeting)); stderrors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		count++
	}
	return stderrors.Join(want("greetings", count, 4), stream.Close())
}

func greetEverybody(ctx context.Context) error {
	stream, err := openStream(ctx, "Greeter.Everybody")
	if err != nil {
		return err
	}
	for _, name := range []string{"Ann", "Bob"} {
		if err := stream.Send(&note.Note{Name: name}); err != nil {
			return err
		}
	}
	// To close is to have sent all; the answer comes after it.
	response := new(note.Greeting)
	if err := stderrors.Join(stream.Close(), stream.Recv(response)); err != nil {
		return err
	}
	return want("msg", response.Msg, "Hello Ann, Bob")
}

func chat(ctx context.Context) error {
	stream, err := openStream(ctx, "Greeter.Chat")
	if err != nil {
		return err
	}
	for n := 1; n <= 3; n++ {
		response := new(note.Greeting)
		if err := stderrors.Join(stream.Send(&note.Note{Name: "Go"}), stream.Recv(response)); err != nil {
			return err
		}
		if err := want("count", response.Count, n); err != nil {
			return err
		}
	}
	return stream.Close()
}

// Failures are told apart by their code, whoever answers them.
func (*Checks) Failures(ctx context.Context, _, _ *note.Note) error {
	call := func(ctx context.Context, service, endpoint string) *errors.Error {
		err := client.Call(ctx, client.NewRequest(service, endpoint, &note.Note{}), new(note.Note))
		if err == nil {
			return &errors.Error{Code: 200}
		}
		return errors.FromError(err)
	}
	hurried, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	late := call(hurried, serviceName, "Greeter.Wait")
	invalid := call(ctx, "greeter", "Greeter.Hello")
	conflict := call(ctx, serviceName, "Greeter.Fail")
	return stderrors.Join(
		want("code of a wrong request", invalid.Code, 400),
		want("id of a wrong request", invalid.Id, "greeter"),
		want("code of a conflict", conflict.Code, 409),
		want("detail of a conflict", conflict.Detail, "no greeting for , 100% sure"),
		want("code of no service", call(ctx, "nobody", "Nobody.Call").Code, 404),
		want("code of no endpoint", call(ctx, "greeter", "Greeter.Nothing").Code, 501),
		want("code after the time", late.Code, 408),
	)
}

// Metadata travel with the calls that a call makes.
func (*Checks) Metadata(ctx context.Context, _, _ *note.Note) error {
	response := new(note.Note)
	traced := microcontext.SetMetadata(ctx, "X-Trace", "t-1")
	err := client.Call(traced, client.NewRequest(serviceName, "Greeter.Hello", &note.Note{Name: "Go"}), response)
	return stderrors.Join(err, want("trace", response.GetLabels()["trace"], "t-1"))
}

// Registry has this service, with its endpoints, and the others.
func (*Checks) Registry(context.Context, *note.Note, *note.Note) error {
	found, err := registry.DefaultRegistry.GetService(serviceName)
	if err != nil {
		return err
	}
	listed, err := registry.DefaultRegistry.ListServices()
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, each := range listed {
		names[each.Name] = true
	}
	_, missing := registry.DefaultRegistry.GetService("nobody")
	return stderrors.Join(
		want("versions", len(found), 1),
		want("version", found[0].Version, "1.2.3"),
		want("nodes", len(found[0].Nodes), 1),
		want("has endpoints", len(found[0].Endpoints) > 10, true),
		want("core services are listed", names["store"] && names["auth"] && names["greeter"], true),
		want("failure for no service", missing, registry.ErrNotFound),
	)
}

// Watch sees a service come and go.
func (*Checks) Watch(ctx context.Context, _, _ *note.Note) error {
	watcher, err := registry.DefaultRegistry.Watch(registry.WatchService("go-micro-watched"))
	if err != nil {
		return err
	}
	defer watcher.Stop()
	seen := make(chan error, 1)
	go func() {
		result, err := watcher.Next()
		if err == nil {
			err = stderrors.Join(want("action", result.Action, "create"), want("name", result.Service.Name, "go-micro-watched"))
		}
		seen <- err
	}()
	entry := &registry.Service{
		Name: "go-micro-watched", Version: "1",
		Nodes: []*registry.Node{{Id: "go-micro-watched-1", Address: "127.0.0.1:1"}},
	}
	return until(ctx, func() error {
		// A watch says nothing when it begins, so the service comes and goes until it was seen.
		err := stderrors.Join(registry.DefaultRegistry.Register(entry), registry.DefaultRegistry.Deregister(entry))
		if err != nil {
			return err
		}
		select {
		case err := <-seen:
			return err
		default:
			return stderrors.New("nothing was seen")
		}
	})
}
