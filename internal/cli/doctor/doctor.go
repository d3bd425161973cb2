// Package doctor has the command doctor. What is checked is in internal/doctor.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/doctor"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// examineFor bounds a group of checks.
const examineFor = 20 * time.Second

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command doctor.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	var out terminal.Format
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a worker needs, and say how to correct it",
		Long: `Checks the configuration, the network, credentials, permissions, streams and
durables, clocks, disks, the handlers and their providers, and the worker that
runs. It changes nothing and sends no push.
Exit codes: 0 all is well, 1 there are warnings, 2 there are failures.`,
		Example: `  pushworker doctor
  pushworker doctor -o jsonl | jq 'select(.level != "ok")'`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), out) },
	}
	terminal.AddFormat(cmd, &out)
	return cmd
}

// findingsError says that doctor has found something; everything has been told.
type findingsError struct{ level push.Level }

func (e findingsError) Error() string {
	if e.level == push.LevelFail {
		return "there are failures: correct them from top to bottom"
	}
	return "there are warnings"
}

// ExitCode is doctor's own.
func (e findingsError) ExitCode() int { return int(e.level - push.LevelOK) }

func (a command) doctor(ctx context.Context, out terminal.Format) error {
	p := a.List(out)
	colour := a.Colour(a.Stdout)
	worst := doctor.Examine(ctx, a.examination(ctx), examineFor, func(f doctor.Finding) {
		p.Add(f, findingText(f, colour))
		p.Flush()
	})
	err := p.Close()
	if app.Heard(err) == nil && worst > push.LevelOK {
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
	text := fmt.Sprintf("%s  %s: %s: %s", level, f.Topic, terminal.OneLine(f.Check), indented(f.Text))
	if f.Remedy != "" {
		text += "\n      → " + indented(f.Remedy)
	}
	return text
}

// indented is text whose lines, after the first, are indented.
func indented(text string) string {
	return strings.ReplaceAll(terminal.Printable(text), "\n", "\n        ")
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

// examination is what there is to look at with this configuration and the worker that
// answers, if one does.
func (a command) examination(ctx context.Context) []doctor.Group {
	c, err := config.Load(a.Env, a.Overrides)
	handlers := a.CheckHandlers(c, err) //nolint:contextcheck // it asks nobody
	if invalid, ok := errors.AsType[*config.InvalidError](err); ok {
		return []doctor.Group{doctor.Configuration(invalid.Faults, invalid.Warnings, handlers)}
	}
	status, workerErr := worker.AskStatus(ctx, c)
	groups := []doctor.Group{doctor.Configuration(nil, c.Warnings(), handlers), doctor.Credentials(c)}
	lanes := status.Running()
	if len(lanes) == 0 {
		lanes = worker.EnabledHandlers(c)
	}
	plugins := func(r *push.Registry, d push.Directory) { a.Plugins(r, d, io.Discard) }
	address := worker.Worker{Config: c, Plugins: plugins}.Addresser()
	look := doctor.Broker(c, worker.Topology(c, lanes), address, func(ctx context.Context) (*broker.Conn, error) { return a.Connect(ctx, c, "doctor") })
	if c.UsesEmbedded() {
		answers := doctor.Answers(c)
		groups = append(groups, doctor.Store(c, answers))
		look = doctor.Unless(look, func(ctx context.Context) bool { return !answers(ctx) })
	} else {
		groups = append(groups, doctor.Network(c))
	}
	groups = append(groups, look)
	if handlers == nil {
		groups = append(groups, a.handlerGroup(c, lanes, address))
	}
	return append(groups, doctor.Group{Topic: "worker", Look: func(ctx context.Context) []push.Finding {
		var unready error
		if workerErr == nil {
			_, unready = worker.AskHealth(ctx, c, "/readyz")
		}
		return doctor.Worker(status, workerErr, unready)
	}})
}

// handlerGroup has the handlers of this configuration look at their providers, as far as
// they have lanes, and at the devices that are registered.
func (a command) handlerGroup(c *config.Config, lanes []string, address func(push.Device) (push.Device, error)) doctor.Group {
	return doctor.Group{Topic: "handlers", Look: func(ctx context.Context) []push.Finding {
		found := doctor.Strangers(c, worker.EnabledHandlers(c), lanes)
		seen := make(map[string]push.Handler)
		plugins := func(r *push.Registry, d push.Directory) { a.Plugins(r, d, io.Discard) }
		err := worker.Worker{Config: c, Plugins: plugins}.Look(&device.OnDemand{}, func(name string, h push.Handler) {
			if h == nil || slices.Contains(lanes, name) {
				found = append(found, doctor.Handler(ctx, name, h)...)
			}
			seen[name] = h
		})
		if err != nil {
			found = append(found, push.Finding{Level: push.LevelFail, Check: "start", Text: err.Error(), Remedy: "correct PUSHWORKER_HANDLERS"})
		}
		return append(found, a.reach(ctx, c, seen, address)...)
	}}
}

// reach is what the handlers say of the devices that are registered.
func (a command) reach(ctx context.Context, c *config.Config, handlers map[string]push.Handler, address func(push.Device) (push.Device, error)) []push.Finding {
	reach := doctor.NewReach(ctx, c, func(ctx context.Context) (*broker.Conn, error) { return a.Connect(ctx, c, "doctor") })
	for _, h := range c.Handlers {
		reach.See(h.Name, h.Type, handlers[h.Name])
	}
	return reach.Findings(c, address)
}
