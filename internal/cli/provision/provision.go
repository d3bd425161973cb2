// Package provision has the command that makes the broker's objects without running a
// worker. What they are is in internal/broker.
package provision

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/worker"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command provision.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	var out terminal.Format
	patience := app.Length(30 * time.Second)
	cmd := &cobra.Command{
		Use:   "provision",
		Short: "Make or update the streams, durables and buckets",
		Long: `Makes the streams, durables and buckets that workers with this configuration
need, updates what differs, and ends. It deletes nothing, and may run again at
any time. PUSHWORKER_PROVISION does not matter. Use it where workers may not
make streams; deploy/permissions/provisioner.conf has what its user needs.`,
		Example: `  pushworker provision
  pushworker provision --nats-url nats://broker:4222 --wait 5m
  pushworker provision -o jsonl | jq -r 'select(.result != "unchanged")'`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.provision(cmd.Context(), time.Duration(patience), out)
		},
	}
	cmd.Flags().Var(&patience, "wait", "time for the broker and its nodes; by default 30s")
	a.AddCreateFlag(cmd.Flags())
	terminal.AddFormat(cmd, &out)
	return cmd
}

// provision makes everything, and shows what was done.
func (a command) provision(ctx context.Context, patience time.Duration, out terminal.Format) error {
	c, err := a.WholeConfig()
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := a.ConnectUntil(waiting, c, "provision")
	if err != nil {
		return err
	}
	defer conn.Close()
	done, err := worker.Worker{Config: c, Log: a.Logger(c.Log)}.Provision(waiting, conn)
	p := a.List(out, "OBJECT", "RESULT")
	counts := make(map[string]int)
	for _, o := range done {
		counts[o.Result]++
		p.Add(o, o.Object, o.Result)
	}
	err = errors.Join(unanswered(ctx, err), p.Close())
	for _, o := range done {
		if o.Result == worker.Updated || o.Result == worker.Different {
			a.Say("%s", strings.Join(o.Changes, "; "))
		}
	}
	if err == nil {
		a.Say("%d created, %d updated, %d unchanged, %d left different", counts[worker.Created], counts[worker.Updated], counts[worker.Unchanged], counts[worker.Different])
	}
	return err
}

// unanswered gives err the exit code that tells that the broker was silent, or that the
// command was told to stop.
func unanswered(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return app.Interrupted("what it has made stays; run it again to finish")
	case broker.Passing(err), errors.Is(err, context.DeadlineExceeded):
		return app.Unavailable(err)
	}
	return err
}
