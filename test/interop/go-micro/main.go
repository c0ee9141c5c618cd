// A service as its author writes one with Micro's Go framework, and checks that it makes of the server from within.
package main

import (
	"fmt"
	"os"

	"github.com/micro/micro/v5/service"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	micro := service.New(service.Name(serviceName), service.Version("1.2.3"), service.Metadata(map[string]string{"team": "go"}))
	said := &Mailbox{}
	for _, handler := range []any{new(Greeter), &Checks{said: said}} {
		if err := micro.Handle(handler); err != nil {
			return err
		}
	}
	if err := micro.Subscribe(saidTopic, said.hear); err != nil {
		return err
	}
	return micro.Run()
}
