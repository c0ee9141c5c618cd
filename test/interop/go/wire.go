package main

import (
	"encoding/json"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/protobuf/encoding/protowire"
)

// Raw is a protobuf message as its bytes: what this program sends and reads is few fields of many messages.
type Raw []byte

// Note is the message of this program's own service, in both encodings.
type Note struct {
	Name string `json:"name"` // 1
	Msg  string `json:"msg"`  // 2
	N    int64  `json:"n"`    // 3
}

// The codecs go by the content type of a call: application/grpc+proto and application/grpc+json.
func init() {
	encoding.RegisterCodec(protoCodec{})
	encoding.RegisterCodec(jsonCodec{})
}

type jsonCodec struct{}

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(value any) ([]byte, error)  { return json.Marshal(value) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

type protoCodec struct{}

func (protoCodec) Name() string { return "proto" }

func (protoCodec) Marshal(value any) ([]byte, error) {
	switch message := value.(type) {
	case Raw:
		return message, nil
	case *Note:
		return join(text(1, message.Name), text(2, message.Msg), number(3, message.N)), nil
	}
	return nil, fmt.Errorf("%T has no protobuf form", value)
}

func (protoCodec) Unmarshal(data []byte, value any) error {
	switch message := value.(type) {
	case *Raw:
		*message = append(Raw(nil), data...)
		return nil
	case *Note:
		fields := read(data)
		*message = Note{Name: fields.text(1), Msg: fields.text(2), N: fields.number(3)}
		return nil
	}
	return fmt.Errorf("%T has no protobuf form", value)
}

func text(field protowire.Number, value string) Raw { return part(field, Raw(value)) }

func part(field protowire.Number, values ...Raw) Raw {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), join(values...))
}

func number(field protowire.Number, value int64) Raw {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), uint64(value))
}

func join(parts ...Raw) Raw {
	whole := Raw{}
	for _, each := range parts {
		whole = append(whole, each...)
	}
	return whole
}

// Fields are those of one message by number, in the order in which they came.
type Fields map[protowire.Number][]Raw

func read(data []byte) Fields {
	fields := Fields{}
	for len(data) > 0 {
		field, kind, tagBytes := protowire.ConsumeTag(data)
		valueBytes := protowire.ConsumeFieldValue(field, kind, data[max(tagBytes, 0):])
		if tagBytes < 0 || valueBytes < 0 {
			return fields
		}
		value := data[tagBytes : tagBytes+valueBytes]
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		fields[field] = append(fields[field], Raw(value))
		data = data[tagBytes+valueBytes:]
	}
	return fields
}

func (fields Fields) text(field protowire.Number) string { return string(fields.part(field)) }

func (fields Fields) part(field protowire.Number) Raw {
	if values := fields[field]; len(values) > 0 {
		return values[len(values)-1]
	}
	return nil
}

func (fields Fields) number(field protowire.Number) int64 {
	value, _ := protowire.ConsumeVarint(fields.part(field))
	return int64(value)
}
