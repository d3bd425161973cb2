// Package erase has the command erase. What is erased and how is in internal/erase and
// internal/broker.
package erase

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/erasure"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// unreached is what no erasure here can do anything about.
const unreached = "not reached: backups, mirrors and snapshots of the streams, what the broker has freed but not " +
	"yet written over, logs, and what providers, devices and the chat server keep. What a lane held just now may " +
	"come back as a retry or a letter: run it once more later"

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command erase.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	var user push.Uid
	var consent app.Change
	var out terminal.Format
	cmd := &cobra.Command{
		Use:   "erase",
		Short: "Erase what is stored about a user",
		Long: `Removes a user's devices, and the user from channels. Overwrites on the broker's
disk the receipts, retries, dead letters and events to or from the user. A
receipt that other users still wait for stays until it is delivered: OWED counts
these, and the exit code is 75. The broker overwrites later what was removed
earlier, for example by redrive. Without --yes it asks on a terminal; elsewhere
it only shows what it would do.`,
		Example: `  pushworker erase --user usr782riWdFIwE
  pushworker erase --user usr782riWdFIwE --yes -o json`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user.IsZero() {
				return app.Usage(app.ErrNoUser)
			}
			if err := consent.Check(); err != nil {
				return err
			}
			e := erasing{command: a, user: user, out: out}
			return a.WithTopology(cmd.Context(), "erase", func(c *config.Config, conn *broker.Conn, t topology.Topology) error {
				return e.erase(cmd.Context(), c, conn, t, &consent)
			})
		},
	}
	app.AddUser(cmd, &user)
	terminal.AddFormat(cmd, &out)
	app.AddConsent(cmd.Flags(), &consent)
	return cmd
}

// plannedLine is [erasure.Counts] of what would be done.
type plannedLine struct {
	Where    string `json:"where"`
	Found    int    `json:"found"`
	Erased   int    `json:"would_erase"`
	Narrowed int    `json:"would_narrow"`
	Owed     int    `json:"owed"`
}

func (e *erasing) erase(ctx context.Context, c *config.Config, conn *broker.Conn, t topology.Topology, consent *app.Change) (err error) {
	e.eraser = erasure.New(conn, t)
	if e.eraser.Devices, err = devices.Open(ctx, conn, devices.Options{Log: e.Logger(c.Log)}); err != nil && !errors.Is(err, devices.ErrNoBucket) {
		return app.Unavailable(err)
	}
	if e.eraser.Channels, err = channels.Open(ctx, conn, e.Logger(c.Log)); err != nil && !errors.Is(err, channels.ErrNoBucket) {
		return app.Unavailable(err)
	}
	planned, err := e.survey(ctx) // before anything is changed
	if err != nil {
		return err
	}
	if yes, err := e.agreed(planned, consent); err != nil || !yes {
		return err
	}
	owed, err := e.run(ctx, planned)
	if app.Heard(err) != nil {
		return fmt.Errorf("%w; what is listed as erased is erased, the rest is unchanged: run it again", err)
	}
	e.Say(unreached)
	if c.Directory != config.InKV {
		e.Say("the chat server keeps the devices: remove the user's devices there")
	}
	if e.subscribed > 0 {
		return fmt.Errorf("devices of the user are still subscribed to channels by %s: when a worker with the handler has unsubscribed them, "+
			"or the lane is removed with `pushworker lane retire`, run it again: %w", terminal.Count(e.subscribed, "handler"), consumer.ErrUnfinished)
	}
	if owed > 0 {
		return fmt.Errorf("others are still to be told %s: when the lanes have caught up (`pushworker status`), "+
			"and those dead letters are redriven or dropped, run it again: %w", terminal.Count(owed, "message"), consumer.ErrUnfinished)
	}
	return err
}

// agreed shows the plan, unless it is to be carried out without asking, and reports
// whether it is to be.
func (e *erasing) agreed(planned []erasure.Counts, consent *app.Change) (bool, error) {
	if consent.Yes {
		return true, nil
	}
	if err := e.show(planned); err != nil {
		return false, err
	}
	yes, err := e.Consent(consent, "erase "+e.user.UserId()+"?")
	if err == nil && !yes {
		e.Say("would erase this; nothing was changed. Do it with --yes")
	}
	return yes, err
}

// erasing is one run of the command.
type erasing struct {
	command

	user       push.Uid
	out        terminal.Format
	eraser     *erasure.Eraser
	subscribed int // handlers whose providers may still have devices of the user in channels
}

// survey counts what is to be erased in every place. An error says that nothing was.
func (e *erasing) survey(ctx context.Context) (planned []erasure.Counts, err error) {
	for counts, err := range e.eraser.All(ctx, e.user, true) {
		if err != nil {
			return nil, fmt.Errorf("%w; nothing was erased", interruptedOr(ctx, err))
		}
		planned = append(planned, counts)
	}
	return planned, nil
}

func (e *erasing) show(planned []erasure.Counts) error {
	p := e.List(e.out, "WHERE", "FOUND", "WOULD ERASE", "WOULD NARROW", "OWED")
	for _, l := range planned {
		p.Add(plannedLine(l), cells(l)...)
	}
	return p.Close()
}

// run erases in every place, and returns how much is owed to others.
func (e *erasing) run(ctx context.Context, planned []erasure.Counts) (owed int, err error) {
	total := 0
	for _, l := range planned[len(planned)-len(e.eraser.Streams()):] { // the others are few, and go at once
		total += l.Erased
	}
	shown := e.Show(&app.Progress{What: "erasing", Total: int64(total)})
	e.eraser.Step = shown.Step
	p := e.List(e.out, "WHERE", "FOUND", "ERASED", "NARROWED", "OWED")
	for counts, fault := range e.eraser.All(ctx, e.user, false) {
		p.Add(counts, cells(counts)...)
		if counts.Where == "channels" {
			e.subscribed = counts.Owed
		} else {
			owed += counts.Owed
		}
		if fault != nil {
			err = interruptedOr(ctx, fault)
		}
	}
	shown.Stop()
	return owed, errors.Join(err, p.Close())
}

// interruptedOr is err, or that the run was interrupted if that is why.
func interruptedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return consumer.ErrUnfinished
	}
	return app.Unavailable(err)
}

func cells(c erasure.Counts) []string {
	return []string{c.Where, strconv.Itoa(c.Found), strconv.Itoa(c.Erased), strconv.Itoa(c.Narrowed), strconv.Itoa(c.Owed)}
}
