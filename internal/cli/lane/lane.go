// Package lane has the commands about lanes. What a lane is the broker knows.
package lane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/worker"
)

// pauseFor is how long a lane is paused when nobody says.
const pauseFor = 24 * time.Hour

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command lane.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	cmd := &cobra.Command{
		Use:   "lane",
		Short: "List, pause, resume and retire lanes",
		Example: `  pushworker lane ls
  pushworker lane pause fcm --for 2h
  pushworker lane resume fcm
  pushworker lane retire fcm`,
		Args: app.UnknownCommand,
		RunE: app.ShowHelp,
	}
	cmd.AddCommand(newLaneListCommand(a), newLanePauseCommand(a), newLaneResumeCommand(a), newLaneRetireCommand(a))
	return cmd
}

func newLaneListCommand(a command) *cobra.Command {
	var out terminal.Format
	var all bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the lanes, and which are paused or abandoned",
		Long: `Lists the lanes of this configuration, and abandoned lanes. No worker runs an
abandoned lane. It keeps receipts until the stream is full; then the broker
refuses publishers.
--all adds the lanes that other workers run.`,
		Example: `  pushworker lane ls
  pushworker lane ls --all
  pushworker lane ls -o jsonl | jq -r 'select(.paused).handler'`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.WithTopology(cmd.Context(), "lane", func(c *config.Config, conn *broker.Conn, t topology.Topology) error {
				t.Handlers = worker.EnabledHandlers(c)
				return a.listLanes(cmd.Context(), t, conn, out, all)
			})
		},
	}
	terminal.AddFormat(cmd, &out)
	cmd.Flags().BoolVar(&all, "all", false, "list the lanes that other workers run, too")
	return cmd
}

func (a command) listLanes(ctx context.Context, t topology.Topology, conn *broker.Conn, out terminal.Format, all bool) error {
	ctx, cancel := context.WithTimeout(ctx, worker.AskTimeout)
	defer cancel()
	stats, err := status.NewReader(conn).Stats(ctx, t)
	if all {
		others, err2 := status.OtherLanes(ctx, conn, t)
		others = slices.DeleteFunc(others, func(l status.LaneStats) bool { return l.Abandoned }) // which Stats has told
		stats.Lanes, err = append(stats.Lanes, others...), errors.Join(err, err2)
	}
	if err != nil && len(stats.Lanes) == 0 {
		return app.Unavailable(err)
	}
	p := a.List(out, "LANE", "PENDING", "IN FLIGHT", "RETRIES", "STATE")
	for _, l := range stats.Lanes {
		p.Add(l, l.Handler, strconv.FormatUint(l.Pending, 10), strconv.Itoa(l.InFlight),
			strconv.FormatUint(l.RetriesWaiting, 10), lsState(l))
	}
	if err != nil {
		err = app.Unavailable(err)
	}
	return errors.Join(err, p.Close())
}

// lsState is whether a lane is paused or abandoned, in words.
func lsState(l status.LaneStats) string {
	switch {
	case l.Abandoned:
		return admin.StateAbandoned
	case !l.Paused:
		return admin.StateRunning
	}
	return admin.StatePaused + " until " + l.PausedUntil.UTC().Format("2006-01-02 15:04Z")
}

func newLanePauseCommand(a command) *cobra.Command {
	forTime := app.Length(pauseFor)
	var until timeValue
	cmd := &cobra.Command{
		Use:   "pause NAME",
		Short: "Pause a lane",
		Long: `Stops deliveries to a lane in all workers; other lanes are not affected. Workers
finish the receipts they hold. The others wait in the stream, for at most
PUSHWORKER_HISTORY.`,
		Example: `  pushworker lane pause fcm
  pushworker lane pause fcm --for 30m
  pushworker lane pause fcm --until 2026-12-01T08:00:00Z`,
		Args:              oneLane,
		ValidArgsFunction: a.CompleteLane,
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := pauseEnd(time.Duration(forTime), time.Time(until), cmd.Flags().Changed("for"))
			if err != nil {
				return err
			}
			return a.WithTopology(cmd.Context(), "lane", func(c *config.Config, conn *broker.Conn, t topology.Topology) error {
				return a.pauseLane(cmd.Context(), c, conn, t, args[0], end)
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().Var(&forTime, "for", "pause this long, such as 30m or 2d; by default 24h")
	cmd.Flags().Var(&until, "until", "pause until this time (RFC 3339)")
	app.AddYes(cmd.Flags())
	return cmd
}

func newLaneResumeCommand(a command) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "resume NAME",
		Short:             "Resume a paused lane",
		Example:           `  pushworker lane resume fcm`,
		Args:              oneLane,
		ValidArgsFunction: a.CompleteLane,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.WithTopology(cmd.Context(), "lane", func(c *config.Config, conn *broker.Conn, t topology.Topology) error {
				return a.pauseLane(cmd.Context(), c, conn, t, args[0], time.Time{})
			})
		},
	}
	app.AddYes(cmd.Flags())
	return cmd
}

func oneLane(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%q wants the NAME of one lane, got %d names: `pushworker lane ls` lists them", cmd.CommandPath(), len(args))
	}
	return nil
}

// pauseEnd is when a pause ends.
func pauseEnd(length time.Duration, until time.Time, explicit bool) (time.Time, error) {
	now := time.Now()
	switch {
	case until.IsZero() && length <= 0:
		return time.Time{}, app.Usage(errors.New("--for must be above 0, such as 30m"))
	case until.IsZero():
		return now.Add(length), nil
	case explicit:
		return time.Time{}, app.Usage(errors.New("--for and --until exclude each other: give one"))
	case !until.After(now):
		return time.Time{}, app.Usage(errors.New("--until is in the past: give a time in the future"))
	}
	return until, nil
}

// pauseLane pauses a lane, or resumes it if until is zero, and says so.
func (a command) pauseLane(ctx context.Context, c *config.Config, conn *broker.Conn, t topology.Topology, name string, until time.Time) error {
	if !lanes.IsName(name) {
		return app.Usage(fmt.Errorf("%q is not a lane name: `pushworker lane ls` lists them", name))
	}
	err := lanes.Pause(ctx, conn, t, name, until)
	switch {
	case errors.Is(err, lanes.ErrNoLane):
		return err
	case err != nil:
		return app.Unavailable(err)
	case until.IsZero():
		a.Say("lane %s resumed", name)
		return nil
	}
	a.Say("lane %s is paused until %s; `pushworker lane resume %s` resumes it earlier", name, until.UTC().Format(time.RFC3339), name)
	if time.Until(until) > c.History {
		a.Say("warning: receipts stay in the stream for %s only (PUSHWORKER_HISTORY): the lane will miss those that wait longer", c.History)
	}
	return nil
}

// timeValue is the pflag.Value of a moment.
type timeValue time.Time

// Set implements pflag.Value.
func (v *timeValue) Set(s string) error {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return errors.New("want a time such as 2026-12-01T08:00:00Z")
	}
	*v = timeValue(t)
	return nil
}

// String implements pflag.Value.
func (v *timeValue) String() string {
	if time.Time(*v).IsZero() {
		return ""
	}
	return time.Time(*v).Format(time.RFC3339)
}

// Type implements pflag.Value.
func (*timeValue) Type() string { return "TIME" }
