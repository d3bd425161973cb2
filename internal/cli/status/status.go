// Package status has the commands that ask how things are: status and healthcheck.
// What there is to know is in internal/admin, who is asked in internal/worker.
package status

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/worker"
)

// watchEvery is the pause between two looks of --watch.
const watchEvery = 2 * time.Second

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command status.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	var out terminal.Format
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show pending, in-flight and stored receipts",
		Long: `Shows the lanes and streams. The figures are from the broker and cover all
workers. Only DROPPED, and STATE down, are from the worker that answers at
PUSHWORKER_ADMIN_ADDR; DROPPED is "-" if none answers. With -o json and -o jsonl
each report is one line, also with --watch. The exit code is 69 if a lane or a
stream could not be read.`,
		Example: `  pushworker status
  pushworker status --watch
  pushworker status -o json | jq '.lanes[].pending'`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			every := time.Duration(0)
			if watch {
				every = watchEvery
			}
			return a.status(cmd.Context(), out, every)
		},
	}
	terminal.AddFormat(cmd, &out)
	cmd.Flags().BoolVar(&watch, "watch", false, "refresh every 2 seconds, and show rates")
	return cmd
}

// status shows the status once, or at every interval until ctx ends.
func (a command) status(ctx context.Context, out terminal.Format, every time.Duration) error {
	return a.WithBroker(ctx, "status", func(c *config.Config, conn *broker.Conn) error {
		if every > 0 {
			return a.watch(ctx, c, conn, out, every)
		}
		return a.lookOnce(ctx, c, conn, out)
	})
}

// look asks the worker, if there is one, and the broker, without which there is
// nothing to show. The first error says that no worker answers.
func look(ctx context.Context, c *config.Config, conn *broker.Conn) (status admin.Status, workerErr, err error) {
	remote, workerErr := worker.AskStatus(ctx, c)
	status = worker.AskBroker(ctx, c, conn, remote)
	if len(status.Streams) == 0 && status.Problems != nil {
		err = app.Unavailable(errors.New(strings.Join(status.Problems, "\n")))
	}
	return status, workerErr, err
}

func (a command) lookOnce(ctx context.Context, c *config.Config, conn *broker.Conn, out terminal.Format) error {
	status, workerErr, err := look(ctx, c, conn)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if out == terminal.FormatTable {
		b.WriteString(strings.Join(statusLines(admin.Watched{Status: status}, false, terminal.Width(a.Stdout), a.Colour(a.Stdout)), "\n") + "\n")
	} else if err := writeJSON(&b, status); err != nil {
		return err
	}
	if _, err := a.Stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if workerErr != nil {
		a.Say("no worker answers at PUSHWORKER_ADMIN_ADDR, so status cannot show dropped receipts and providers that are down: %s", workerErr)
	}
	for _, l := range status.Lanes {
		for _, trouble := range l.Troubles() {
			a.Say("lane %s: %s", l.Handler, trouble)
		}
	}
	if doubt := status.Doubt(); doubt != "" {
		a.Say("devices: %s", doubt)
	}
	if len(status.Problems) > 0 {
		return app.Unavailable(errors.New("the status is not complete: " + strings.Join(status.Problems, "\n")))
	}
	return nil
}

// writeJSON writes v as one line. It may hold text of a server or a provider, so what a
// terminal would act on is escaped.
func writeJSON(b *bytes.Buffer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the status: %w", err)
	}
	b.WriteString(terminal.PrintableJSON(string(line)) + "\n")
	return nil
}
