package main

import (
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/worker"
)

// completionTimeout is how long completion looks for the broker.
const completionTimeout = 500 * time.Millisecond

// completeHandler completes the name of a configured handler.
func (a *app) completeHandler(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	c, err := config.Load(a.env, a.overrides)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return handlerNames(c), cobra.ShellCompDirectiveNoFileComp
}

// completeLane completes the name of a lane, once: a configured handler, or one
// that has its durables at the broker, which may be another machine's.
func (a *app) completeLane(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeLanes(cmd, args, "")
}

// completeLanes is completeLane for a flag.
func (a *app) completeLanes(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, err := config.Load(a.env, a.overrides)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := append(handlerNames(c), lanesAtBroker(cmd.Context(), c)...)
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

func handlerNames(c *config.Config) []string {
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
	names, err := broker.LaneNames(ctx, conn, worker.Topology(c, nil))
	if err != nil {
		return nil
	}
	return names
}
