package lane

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/worker"
)

func newLaneRetireCommand(a command) *cobra.Command {
	var out terminal.Format
	var c app.Change
	cmd := &cobra.Command{
		Use:   "retire NAME",
		Short: "Remove an unused lane, and what waits for it",
		Long: `Removes the durables, waiting retries and recorded position of a lane. Its
pending receipts are not delivered. Dead letters stay. The command refuses a
lane that a worker runs. Without --yes it shows what would be removed. If the
handler is enabled again later, it starts as a new lane.`,
		Example: `  pushworker lane retire stdout
  pushworker lane retire stdout --yes`,
		Args:              oneLane,
		ValidArgsFunction: a.CompleteLane,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.Check(); err != nil {
				return err
			}
			return a.WithTopology(cmd.Context(), "lane", func(_ *config.Config, conn *broker.Conn, t topology.Topology) error {
				return a.retireLane(cmd.Context(), t, conn, args[0], out, &c)
			})
		},
	}
	cmd.Flags().SortFlags = false
	app.AddConsent(cmd.Flags(), &c)
	terminal.AddFormat(cmd, &out)
	return cmd
}

// retireLane shows a lane, and removes it if it may.
func (a command) retireLane(ctx context.Context, t topology.Topology, conn *broker.Conn, name string, out terminal.Format, c *app.Change) error {
	if !lanes.IsName(name) {
		return app.Usage(fmt.Errorf("%q is not a lane name: `pushworker lane ls --all` lists them", name))
	}
	lane, err := a.findLane(ctx, t, conn, name)
	if err != nil {
		return err
	}
	p := a.List(out, "LANE", "PENDING", "IN FLIGHT", "RETRIES", "OLDEST")
	oldest := "-"
	if !lane.OldestPending.IsZero() {
		oldest = terminal.Duration(time.Duration(lane.OldestPendingSeconds * float64(time.Second)))
	}
	p.Add(lane, name, strconv.FormatUint(lane.Pending, 10), strconv.Itoa(lane.InFlight), strconv.FormatUint(lane.RetriesWaiting, 10), oldest)
	if err := p.Close(); err != nil {
		return err
	}
	yes, err := a.Consent(c, "remove lane "+name+" and what waits for it?")
	if err != nil {
		return err
	}
	if !yes {
		a.Say("would remove lane %s and what waits for it; nothing was changed. Do it with --yes", name)
		return nil
	}
	if err := lanes.Retire(ctx, conn, t, name); err != nil {
		return app.Unavailable(fmt.Errorf("%w: run the same command again to finish", err))
	}
	a.Say("lane %s is removed", name)
	return nil
}

func (a command) findLane(ctx context.Context, t topology.Topology, conn *broker.Conn, name string) (status.LaneStats, error) {
	ctx, cancel := context.WithTimeout(ctx, worker.AskTimeout)
	defer cancel()
	lane, err := lanes.Find(ctx, conn, t, name)
	if err != nil && !errors.Is(err, lanes.ErrNoLane) && !errors.Is(err, lanes.ErrRuns) {
		err = app.Unavailable(err)
	}
	return lane, err
}
