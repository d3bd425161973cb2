// Command pushworker takes push receipts from NATS JetStream and hands them to
// push providers. The package is the process, its signals and the one list of
// plug-ins; internal/cli has the commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/worker"
)

// version is set by the linker: -X main.version=v1.2.3.
var version string

func main() {
	worker.SetGC()
	// The first signal ends ctx. With the second, signals have their own meaning
	// back, and the process is gone at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error of the write, not the end
	zerolog.TimeFieldFormat = app.LogTime
	cobra.EnableCommandSorting = false // help lists commands as a newcomer needs them
	os.Exit(cli.Run(ctx, cli.Program{Version: version, Plugins: register}, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
