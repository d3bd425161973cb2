package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/doctor"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// examineFor bounds a group of checks.
const examineFor = 20 * time.Second

func newDoctorCommand(a *app) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that a worker needs, and say how to mend it",
		Long: `Looks at the configuration, the network, credentials, permissions, streams and
durables, clocks, disks, the handlers and their providers, and the worker that
runs. It changes nothing and sends nothing to anybody. Exit codes: 0 all is
well, 1 there are warnings, 2 there are failures.`,
		Example: `  pushworker doctor
  pushworker doctor -o jsonl | jq 'select(.level != "ok")'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), out) },
	}
	addFormatFlag(cmd, &out)
	return cmd
}

// findingsError says that doctor has found something; everything has been told.
type findingsError struct{ level push.Level }

func (e findingsError) Error() string {
	if e.level == push.LevelFail {
		return "there are failures: mend them from top to bottom"
	}
	return "there are warnings"
}

// code is the exit code, which is doctor's own.
func (e findingsError) code() int { return int(e.level - push.LevelOK) }

func (a *app) doctor(ctx context.Context, out format) error {
	p := newPrinter(a.stdout, out)
	colour := a.colour(a.stdout)
	worst := doctor.Examine(ctx, a.examination(), examineFor, func(f doctor.Finding) {
		p.add(f, findingText(f, colour))
		p.flush()
	})
	err := p.close()
	if heard(err) == nil && worst > push.LevelOK {
		return findingsError{worst}
	}
	return err
}

// findingText is one line, and the remedy on the next.
func findingText(f doctor.Finding, colour bool) string {
	level := fmt.Sprintf("%-4s", f.Level)
	if colour {
		level = levelColour(f.Level) + level + "\x1b[0m"
	}
	text := fmt.Sprintf("%s  %s: %s: %s", level, f.Topic, cell(f.Check, 60), cell(f.Text, 1000))
	if f.Remedy != "" {
		text += "\n      → " + cell(f.Remedy, 1000)
	}
	return text
}

// levelColour is green, yellow or red.
func levelColour(l push.Level) string {
	switch l {
	case push.LevelOK:
		return "\x1b[32m"
	case push.LevelWarn:
		return "\x1b[33m"
	case push.LevelFail:
	}
	return "\x1b[31m"
}

// examination is what there is to look at with this configuration.
func (a *app) examination() []doctor.Group {
	c, err := config.Load(a.env, a.overrides)
	handlers := checkHandlers(c, err)
	if invalid, ok := errors.AsType[*config.InvalidError](err); ok {
		return []doctor.Group{doctor.Configuration(invalid.Faults, invalid.Warnings, handlers)}
	}
	groups := []doctor.Group{doctor.Configuration(nil, c.Warnings(), handlers), doctor.Credentials(c)}
	topology := worker.Topology(c, enabledHandlers(c))
	look := doctor.Broker(c, topology, func(ctx context.Context) (*broker.Conn, error) { return a.connect(ctx, c, "doctor") })
	if c.UsesEmbedded() {
		answers := func(ctx context.Context) bool { return answers(ctx, c) }
		groups = append(groups, doctor.Store(c, answers))
		look = doctor.Unless(look, func(ctx context.Context) bool { return !answers(ctx) })
	} else {
		groups = append(groups, doctor.Network(c))
	}
	groups = append(groups, look)
	if handlers == nil {
		groups = append(groups, a.handlerGroup(c))
	}
	return append(groups, doctor.Group{Topic: "worker", Look: func(ctx context.Context) []push.Finding { return lookAtWorker(ctx, c) }})
}

// answers reports whether something listens where clients of c look for the broker.
func answers(ctx context.Context, c *config.Config) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.Embedded.Addr)
	if err != nil {
		return false
	}
	_ = conn.Close() // only looked at
	return true
}

// handlerGroup has the handlers look at their providers.
func (a *app) handlerGroup(c *config.Config) doctor.Group {
	return doctor.Group{Topic: "handlers", Look: func(ctx context.Context) []push.Finding {
		var found []push.Finding
		plugins := func(r *push.Registry, d push.Directory) { register(r, d, io.Discard) }
		err := worker.Worker{Config: c, Plugins: plugins}.Look(&directoryOnDemand{}, func(name string, h push.Handler) {
			found = append(found, checkHandler(ctx, name, h)...)
		})
		if err != nil {
			found = append(found, push.Finding{Level: push.LevelFail, Check: "start", Text: err.Error(), Remedy: "correct PUSHWORKER_HANDLERS"})
		}
		return found
	}}
}

func checkHandler(ctx context.Context, name string, h push.Handler) []push.Finding {
	if h == nil {
		return []push.Finding{{Level: push.LevelOK, Check: name, Text: "is disabled"}}
	}
	checker, ok := h.(push.Checker)
	if !ok {
		return nil
	}
	found := checker.Check(ctx)
	for i := range found {
		found[i].Check = name + " " + found[i].Check
	}
	if len(found) == 0 {
		found = []push.Finding{{Level: push.LevelOK, Check: name, Text: "is configured, and has no provider to ask"}}
	}
	return found
}

// lookAtWorker asks the worker of this machine how it is.
func lookAtWorker(ctx context.Context, c *config.Config) []push.Finding {
	status, err := askWorker(ctx, c)
	if err != nil {
		return []push.Finding{{
			Level: push.LevelWarn, Check: "admin", Text: "no worker answers at PUSHWORKER_ADMIN_ADDR: " + err.Error(),
			Remedy: "start `pushworker run`; workers on other machines are not looked at from here",
		}}
	}
	found := []push.Finding{{Level: push.LevelOK, Check: "admin", Text: "a worker answers at PUSHWORKER_ADMIN_ADDR"}}
	for _, problem := range status.Problems {
		found = append(found, push.Finding{Level: push.LevelWarn, Check: "admin", Text: problem, Remedy: "see the lines on the broker"})
	}
	for _, lane := range status.Lanes {
		if lane.LaneState != nil && lane.BreakerOpen {
			found = append(found, push.Finding{
				Level: push.LevelFail, Check: "lane " + lane.Handler, Text: "breaker open: " + lane.BreakerError,
				Remedy: "correct what it says; the lane probes every second and resumes by itself",
			})
		}
		if lane.LaneState != nil && lane.Waiting != "" {
			found = append(found, push.Finding{
				Level: push.LevelFail, Check: "lane " + lane.Handler, Text: "waiting: " + lane.Waiting,
				Remedy: "see the lines on the broker; the lane probes every second and resumes by itself",
			})
		}
	}
	return found
}
