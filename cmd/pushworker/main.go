// Command pushworker takes push receipts from NATS JetStream and hands them to
// push providers. The package is the process, its signals and the one list of
// plug-ins; internal/cli has the commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/internal/cli/app"
)

// gcPercent lets the heap, which is small, grow to three times what is in use before
// it is collected: collecting is a good part of what a push costs, and of reading
// history. GOGC overrides it, and GOMEMLIMIT bounds it.
const gcPercent = 200

// version is set by the linker: -X main.version=v1.2.3.
var version string

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// The first signal ends ctx. With the second, signals have their own meaning
	// back, and the process is gone at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error of the write, not the end
	zerolog.TimeFieldFormat = app.LogTime
	cobra.EnableCommandSorting = false // help lists commands as a newcomer needs them
	os.Exit(cli.Run(ctx, cli.Program{Version: version, Plugins: register}, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
