// Package publish has the command publish. How a receipt is published is in
// pkg/publisher, and how receipts are read and many are published in internal/publish.
package publish

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/jsonl"
	"github.com/pushworker/pushworker/internal/publish"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// publishOptions are the flags of publish.
type publishOptions struct {
	subject    string
	idPath     jsonl.Path
	noValidate bool
	quiet      bool
	out        terminal.Format
}

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command publish.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	var o publishOptions
	cmd := &cobra.Command{
		Use:   "publish [FILE…|-]",
		Short: "Publish receipts and wait until the broker has stored them",
		Long: `Publishes receipts byte for byte and waits until the broker has stored them.

A file holds one receipt, or JSON Lines: one per line. - or no FILE is
standard input. An invalid receipt is reported as FILE:LINE and skipped, and the
exit code is 65. With --msg-id-from, a receipt whose id was published within the
last two minutes is not stored again.`,
		Example: `  pushworker publish receipt.json
  jq -c .[] receipts.json | pushworker publish -o jsonl
  pushworker publish --subject push.receipts.eu --msg-id-from request_id a.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && terminal.IsTerminal(a.Stdin.Reader) {
				return app.Usage(errors.New("name a file, pipe receipts in, or give - to type them"))
			}
			return a.WithBroker(cmd.Context(), "publish", func(c *config.Config, conn *broker.Conn) error {
				return a.publish(cmd.Context(), c, conn, o, args)
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	terminal.AddFormat(cmd, &o.out)
	flags.StringVar(&o.subject, "subject", "", "publish to this `SUBJECT` (PUSHWORKER_SUBJECT)")
	flags.Var(&o.idPath, "msg-id-from", "take the dedup id from a field, such as request_id")
	flags.BoolVar(&o.noValidate, "no-validate", false, "publish without checking that it is a receipt")
	app.AddQuiet(flags, &o.quiet)
	return cmd
}

// publish publishes what the inputs hold and tells how it went.
func (a command) publish(ctx context.Context, c *config.Config, conn *broker.Conn, o publishOptions, inputs []string) error {
	shards := 1 // whoever names a subject means that one
	if o.subject == "" {
		o.subject, shards = c.Subject, c.Streams.Count
	}
	pub, err := conn.Publisher(publish.Config(o.subject, shards))
	switch {
	case errors.Is(err, publisher.ErrRefused):
		return app.Usage(err) // the subject
	case err != nil:
		return app.Unavailable(err)
	}
	defer func() {
		now, cancel := context.WithCancel(ctx)
		cancel() // nothing is in flight, unless run's error says so
		_ = pub.Close(now)
	}()
	if len(inputs) == 0 {
		inputs = []string{"-"}
	}
	p := publish.Publishing{
		Publisher: pub, Limits: c.ReceiptLimits(), Unchecked: o.noValidate,
		Open: func(name string) (io.ReadCloser, string, error) { return a.Open(name, "receipts") },
	}
	if o.idPath != nil {
		p.ID = o.idPath.Find
	}
	r := publishing{command: a, quiet: o.quiet, out: a.List(o.out)}
	return r.run(ctx, &p, inputs)
}
