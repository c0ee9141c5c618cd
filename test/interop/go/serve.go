package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

const serviceName = "go-greeter"

// serve is a service as Micro's framework runs one: it answers every path by its type and method, gets a token with its
// credential, registers itself in the network, and leaves the registry when it is told to end.
func serve(network, credentialsFile string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return answer(stream) }))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	caller, err := login(network, credentialsFile)
	if err != nil {
		return err
	}
	if err := caller.unary("/registry.Registry/Register", entry(listener.Addr().String()), new(Raw)); err != nil {
		return err
	}
	fmt.Println("registered", listener.Addr())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-served:
		return err
	case <-stop:
	}
	if err := caller.unary("/registry.Registry/Deregister", entry(listener.Addr().String()), new(Raw)); err != nil {
		return err
	}
	server.GracefulStop()
	return nil
}

// login exchanges the credential in a file for a token that lives as long as services of Micro ask for.
func login(network, credentialsFile string) (*Caller, error) {
	var credential struct{ ID, Secret string }
	data, err := os.ReadFile(credentialsFile)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &credential); err != nil {
		return nil, err
	}
	caller, err := dial(network, "", "proto")
	if err != nil {
		return nil, err
	}
	request := join(text(1, credential.ID), text(2, credential.Secret), number(4, 3600), part(5, text(1, "micro")))
	var response Raw
	if err := caller.unary("/auth.Auth/Token", request, &response); err != nil {
		return nil, err
	}
	caller.token = read(read(response).part(1)).text(1)
	return caller, nil
}

// entry is what the registry learns of this service.
func entry(address string) Raw {
	note := func(name string) Raw {
		value := func(name, kind string) Raw { return part(3, text(1, name), text(2, kind)) }
		return join(text(1, name), text(2, name), value("name", "string"), value("msg", "string"), value("n", "int64"))
	}
	endpoint := func(name string, isStream bool) Raw {
		described := join(text(1, "Greeter."+name), part(2, note("Request")), part(3, note("Response")))
		if isStream {
			described = join(described, part(4, text(1, "stream"), text(2, "true")))
		}
		return part(4, described)
	}
	protocol := part(4, text(1, "protocol"), text(2, "grpc"))
	node := part(5, text(1, serviceName+"-"+address), text(2, address), protocol)
	options := part(6, number(1, int64((90*time.Second).Seconds())), text(2, "micro"))
	return join(text(1, serviceName), text(2, "latest"), endpoint("Hello", false), endpoint("Fail", false),
		endpoint("Wait", false), endpoint("Count", true), endpoint("Sum", true), endpoint("Chat", true), node, options)
}

func answer(stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	endpoint := path[strings.LastIndex(path, ".")+1:]
	var request Note
	// The first message is enough to act on; only those that count messages wait for the caller's end.
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	switch endpoint {
	case "Greeter/Hello":
		return hello(stream, request)
	case "Greeter/Fail":
		return failure(request.Name)
	case "Greeter/Wait":
		<-stream.Context().Done()
		return grpcstatus.FromContextError(stream.Context().Err()).Err()
	case "Greeter/Count":
		for n := int64(1); n <= request.N; n++ {
			if err := stream.SendMsg(&Note{Name: request.Name, N: n}); err != nil {
				return err
			}
		}
		return nil
	case "Greeter/Sum", "Greeter/Chat":
		return converse(stream, request, endpoint == "Greeter/Chat")
	}
	return grpcstatus.Errorf(codes.Unimplemented, "unknown service %s", strings.ReplaceAll(endpoint, "/", "."))
}

func hello(stream grpc.ServerStream, request Note) error {
	incoming, _ := metadata.FromIncomingContext(stream.Context())
	if err := stream.SendHeader(metadata.Pairs("x-served-by", serviceName)); err != nil {
		return err
	}
	stream.SetTrailer(metadata.Pairs("x-greeted", request.Name))
	trace := strings.Join(incoming.Get("x-trace"), ",")
	return stream.SendMsg(&Note{Name: trace, Msg: "Hello " + request.Name, N: 1})
}

func converse(stream grpc.ServerStream, request Note, isChat bool) error {
	sum := int64(0)
	for {
		sum += request.N
		if isChat {
			if err := stream.SendMsg(&Note{Msg: "Hello " + request.Name, N: sum}); err != nil {
				return err
			}
		}
		if err := stream.RecvMsg(&request); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if isChat {
		return nil
	}
	return stream.SendMsg(&Note{N: sum})
}

// failure is an error of Micro: its JSON as the message, and the same as the one detail.
func failure(name string) error {
	const code = 409
	detail := "no greeting for " + name
	body, err := json.Marshal(map[string]any{"id": serviceName, "code": code, "detail": detail, "status": "Conflict"})
	if err != nil {
		return err
	}
	value := join(text(1, serviceName), number(2, code), text(3, detail), text(4, "Conflict"))
	return grpcstatus.ErrorProto(&status.Status{
		Code:    int32(codes.AlreadyExists),
		Message: string(body),
		Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/Error", Value: value}},
	})
}
