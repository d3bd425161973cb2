// Package deadletter has the commands about dead letters. What a letter is and how
// letters are told apart is in internal/deadletter, where they are in internal/broker.
package deadletter

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/worker"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command deadletter.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	cmd := &cobra.Command{
		Use:   "deadletter",
		Short: "Look at receipts that could not be delivered",
		Example: `  pushworker deadletter stats
  pushworker deadletter ls --since 24h
  pushworker deadletter show 17
  pushworker deadletter redrive 17 --yes`,
		Args: app.UnknownCommand,
		RunE: app.ShowHelp,
	}
	cmd.AddCommand(
		newDeadletterStatsCommand(a), newDeadletterListCommand(a), newDeadletterShowCommand(a),
		newDeadletterRedriveCommand(a), newDeadletterDropCommand(a),
	)
	return cmd
}

// letters runs f with the dead letters of the configured broker.
func (a command) letters(ctx context.Context, f func(*letters.Letters) error) error {
	return a.deadletters(ctx, func(conn *broker.Conn, t topology.Topology) error { return f(letters.New(conn, t)) })
}

// deadletters runs f with the configured broker.
func (a command) deadletters(ctx context.Context, f func(*broker.Conn, topology.Topology) error) error {
	return a.WithBroker(ctx, "deadletter", func(c *config.Config, conn *broker.Conn) error { return f(conn, worker.Topology(c, nil)) })
}
