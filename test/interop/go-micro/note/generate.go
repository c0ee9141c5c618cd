// Package note has the messages of the service, made from note.proto with protoc-gen-go.
package note

//go:generate buf generate --template {"version":"v2","plugins":[{"local":["go","run","google.golang.org/protobuf/cmd/protoc-gen-go"],"out":".","opt":["paths=source_relative"]}]}
