// A program of Micro's Go users, without their framework: a service that registers itself, and a client of core services
// and of services in TypeScript. It keeps to the wire contract alone.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 3 && arguments[0] == "serve":
		return serve(arguments[1], arguments[2])
	case len(arguments) == 4 && arguments[0] == "client":
		return runClient(arguments[1], arguments[2], arguments[3])
	}
	return fmt.Errorf("usage: serve NETWORK CREDENTIALS-FILE | client NETWORK BROKER TOKEN")
}
