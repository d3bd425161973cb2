// Command broker is the worker's embedded broker as a process of its own, for tests: it serves
// an address from the store in a folder until it is killed, and says "ready" first. It is not part
// of the tests' program, because that has the race detector, and needs three times the processor.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/embedded"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: broker FOLDER ADDRESS")
		os.Exit(64)
	}
	if _, err := embedded.Start(context.Background(), embedded.Options{Addr: os.Args[2], DataDir: os.Args[1], Log: zerolog.Nop()}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("ready\n")
	select {}
}
