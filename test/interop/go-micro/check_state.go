package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/micro/micro/v5/service/config"
	"github.com/micro/micro/v5/service/store"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"micro-ts/interop-go-micro/note"
)

// Store keeps records: written, read by key and by prefix, listed, expired, deleted.
func (*Checks) Store(context.Context, *note.Note, *note.Note) error {
	for n := 1; n <= 3; n++ {
		record := store.NewRecord(fmt.Sprint("go/", n), map[string]int{"n": n})
		record.Metadata = map[string]any{"number": fmt.Sprint(n)}
		if err := store.Write(record); err != nil {
			return err
		}
	}
	if err := store.Write(&store.Record{Key: "brief", Value: []byte("x"), Expiry: time.Hour}); err != nil {
		return err
	}
	one, err := store.Read("go/2")
	if err != nil {
		return err
	}
	value := map[string]int{}
	if err := one[0].Decode(&value); err != nil {
		return err
	}
	page, err := store.Read("go/", store.ReadPrefix(), store.ReadLimit(2), store.ReadOffset(1), store.ReadOrder(store.OrderDesc))
	if err != nil {
		return err
	}
	keys, err := store.List(store.ListPrefix("go/"))
	if err != nil {
		return err
	}
	brief, err := store.Read("brief")
	if err != nil {
		return err
	}
	deleted := store.Delete("go/1")
	_, missing := store.Read("go/1")
	none, noError := store.Read("nothing/", store.ReadPrefix())
	return errors.Join(deleted, noError,
		want("value", value["n"], 2),
		// The framework gives back the message of the wire, whose text is value:"2" and more.
		want("metadata is there", strings.Contains(fmt.Sprint(one[0].Metadata["number"]), `"2"`), true),
		want("page", fmt.Sprint(len(page), " ", page[0].Key), "2 go/2"),
		want("keys", keys, "[go/1 go/2 go/3]"),
		want("time left is under an hour", brief[0].Expiry > 50*time.Minute && brief[0].Expiry <= time.Hour, true),
		want("failure for no record", missing, store.ErrNotFound),
		want("records of no prefix", len(none), 0),
	)
}

// Tables keep records apart.
func (*Checks) Tables(context.Context, *note.Note, *note.Note) error {
	record := &store.Record{Key: "k", Value: []byte("other")}
	if err := store.DefaultStore.Write(record, store.WriteTo("micro", "go-table")); err != nil {
		return err
	}
	here, err := store.Read("k", store.ReadFrom("micro", "go-table"))
	if err != nil {
		return err
	}
	_, elsewhere := store.Read("k")
	err = store.DefaultStore.Delete("k", store.DeleteFrom("micro", "go-table"))
	return errors.Join(err, want("value", string(here[0].Value), "other"), want("failure elsewhere", elsewhere, store.ErrNotFound))
}

// Blobs go up and down in pieces.
func (*Checks) Blobs(context.Context, *note.Note, *note.Note) error {
	blobs := store.DefaultBlobStore
	content := bytes.Repeat([]byte("0123456789abcdef"), 32*1024)
	if err := blobs.Write("go/blob", bytes.NewReader(content), store.BlobContentType("text/plain")); err != nil {
		return err
	}
	reader, err := blobs.Read("go/blob")
	if err != nil {
		return err
	}
	read, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	keys, err := blobs.List(store.BlobListPrefix("go/"))
	if err != nil {
		return err
	}
	if err := blobs.Delete("go/blob"); err != nil {
		return err
	}
	_, missing := blobs.Read("go/blob")
	return errors.Join(
		want("content is what was written", bytes.Equal(read, content), true),
		want("keys", keys, "[go/blob]"),
		want("code of no blob", status.Code(missing), codes.NotFound),
	)
}

// Config is a tree with secrets.
func (*Checks) Config(context.Context, *note.Note, *note.Note) error {
	if err := config.Set("gomicro", map[string]any{"text": "hello", "n": 7, "deep": map[string]bool{"on": true}}); err != nil {
		return err
	}
	if err := config.Set("gomicro.key", "hidden", config.Secret(true)); err != nil {
		return err
	}
	get := func(path string, options ...config.Option) config.Value {
		value, err := config.Get(path, options...)
		if err != nil {
			return config.NewJSONValue([]byte(fmt.Sprintf("%q", err.Error())))
		}
		return value
	}
	failure := errors.Join(
		want("text", get("gomicro.text").String(""), "hello"),
		want("number", get("gomicro.n").Int(0), 7),
		want("bool", get("gomicro.deep.on").Bool(false), true),
		want("secret", get("gomicro.key").String(""), "[secret]"),
		want("secret in clear", get("gomicro.key", config.Secret(true)).String(""), "hidden"),
		want("nothing", get("gomicro.nothing").String("default"), "default"),
	)
	return errors.Join(failure, config.Delete("gomicro"), want("deleted", get("gomicro.text").String("gone"), "gone"))
}
