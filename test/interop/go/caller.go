package main

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// Caller calls as clients of Micro do: the encoding as content type, time left in `timeout`, every stream in both
// directions and never half-closed.
type Caller struct {
	connection *grpc.ClientConn
	token      string
	// Sent as content subtype: "proto" or "json".
	encoding string
}

func dial(address, token, encoding string) (*Caller, error) {
	connection, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &Caller{connection, token, encoding}, nil
}

// as is the same connection with another encoding.
func (caller *Caller) as(encoding string) *Caller {
	return &Caller{caller.connection, caller.token, encoding}
}

func (caller *Caller) outgoing(ctx context.Context, timeout time.Duration) context.Context {
	pairs := []string{"micro-namespace", "micro", "x-content-type", "application/" + caller.encoding}
	if caller.token != "" {
		pairs = append(pairs, "authorization", "Bearer "+caller.token)
	}
	if timeout > 0 {
		pairs = append(pairs, "timeout", strconv.FormatInt(timeout.Nanoseconds(), 10))
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

func (caller *Caller) unary(path string, request, response any, options ...grpc.CallOption) error {
	return caller.unaryWithin(time.Minute, path, request, response, options...)
}

// unaryWithin leaves the deadline to the header alone, so that it is the server that ends the call.
func (caller *Caller) unaryWithin(timeout time.Duration, path string, request, response any, options ...grpc.CallOption) error {
	options = append(options, grpc.CallContentSubtype(caller.encoding))
	return caller.connection.Invoke(caller.outgoing(context.Background(), timeout), path, request, response, options...)
}

// stream opens a call in both directions, sends the messages, and keeps its side open. It ends with `ctx`.
func (caller *Caller) stream(ctx context.Context, path string, requests ...any) (grpc.ClientStream, error) {
	kind := &grpc.StreamDesc{StreamName: path, ClientStreams: true, ServerStreams: true}
	stream, err := caller.connection.NewStream(caller.outgoing(ctx, 0), kind, path, grpc.CallContentSubtype(caller.encoding))
	if err != nil {
		return nil, err
	}
	for _, request := range requests {
		if err := stream.SendMsg(request); err != nil {
			return nil, err
		}
	}
	return stream, nil
}
