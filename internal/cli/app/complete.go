package app

import (
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/worker"
)

// completionTimeout is how long completion looks for the broker.
const completionTimeout = 500 * time.Millisecond

// CompleteHandler completes the name of a configured handler.
func (a *App) CompleteHandler(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	c, err := config.Load(a.Env, a.Overrides)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return HandlerNames(c), cobra.ShellCompDirectiveNoFileComp
}

// CompleteLane completes the name of a lane, once: a configured handler, or one
// that has its durables at the broker, which may be another machine's.
func (a *App) CompleteLane(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.CompleteLanes(cmd, args, "")
}

// CompleteLanes is completeLane for a flag.
func (a *App) CompleteLanes(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, err := config.Load(a.Env, a.Overrides)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := append(HandlerNames(c), lanesAtBroker(cmd.Context(), c)...)
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// HandlerNames are the names of the configured handlers.
func HandlerNames(c *config.Config) []string {
	names := make([]string, 0, len(c.Handlers))
	for _, h := range c.Handlers {
		names = append(names, h.Name)
	}
	return names
}

// lanesAtBroker returns none when the broker does not answer at once: somebody
// waits at a prompt.
func lanesAtBroker(ctx context.Context, c *config.Config) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	o := worker.BrokerOptions(c, "pushworker completion")
	o.Log = zerolog.Nop()
	conn, err := broker.Connect(ctx, o)
	if err != nil {
		return nil
	}
	defer conn.Close()
	names, err := lanes.Names(ctx, conn, worker.Topology(c, nil))
	if err != nil {
		return nil
	}
	return names
}
