package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/worker"
)

func newDeadletterCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deadletter",
		Short: "Look at receipts that could not be delivered",
		Example: `  pushworker deadletter stats
  pushworker deadletter ls --since 24h
  pushworker deadletter show 17
  pushworker deadletter redrive 17 --yes`,
		Args: unknownCommand,
		RunE: showHelp,
	}
	cmd.AddCommand(
		newDeadletterStatsCommand(a), newDeadletterListCommand(a), newDeadletterShowCommand(a),
		newDeadletterRedriveCommand(a), newDeadletterDropCommand(a),
	)
	return cmd
}

// letters runs f with the dead letters of the configured broker.
func (a *app) letters(ctx context.Context, f func(*broker.Letters) error) error {
	return a.deadletters(ctx, func(conn *broker.Conn, t broker.Topology) error { return f(broker.NewLetters(conn, t)) })
}

// deadletters runs f with the configured broker.
func (a *app) deadletters(ctx context.Context, f func(*broker.Conn, broker.Topology) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	conn, err := a.connect(ctx, c, "deadletter")
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn, worker.Topology(c, nil))
}
