package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// configuredHandler starts one of the configured handlers in this process. It asks d.
func (a command) configuredHandler(c *config.Config, name string, d push.Directory) (push.Handler, error) {
	i := slices.IndexFunc(c.Handlers, func(h config.Handler) bool { return h.Name == name })
	switch {
	case i < 0:
		return nil, app.Usage(fmt.Errorf("--handler %s: it is not configured, but %s: see PUSHWORKER_HANDLERS", name, strings.Join(app.HandlerNames(c), ", ")))
	case !c.Handlers[i].Common.Enabled:
		return nil, app.Usage(fmt.Errorf(`--handler %s: it is disabled: set "enabled": true in PUSHWORKER_HANDLERS, if you wish for this command only`, name))
	}
	only := *c
	only.Handlers = c.Handlers[i : i+1]
	plugins := func(r *push.Registry, d push.Directory) { a.Plugins(r, d, a.Stdout) }
	return worker.Worker{Config: &only, Plugins: plugins}.Start(d)
}

// dryRuns is name alone if the handler's provider only checks pushes, and else nothing.
func dryRuns(c *config.Config, name string) []string {
	if slices.ContainsFunc(c.Handlers, func(h config.Handler) bool { return h.Name == name && h.DryRun() }) {
		return []string{name}
	}
	return nil
}

// deliveredAs is the verb for what a handler has taken.
func deliveredAs(dry []string) string {
	if len(dry) > 0 {
		return "checked in a dry run and not delivered:"
	}
	return "delivered"
}

// directory is the device directory, and masks tokens. Without a bucket it is one that
// says so to those who ask: not every handler does.
func (a command) directory(ctx context.Context, conn *broker.Conn, c *config.Config) (push.Directory, func(string) string, error) {
	plugins := func(r *push.Registry, d push.Directory) { a.Plugins(r, d, io.Discard) }
	directory, err := worker.Worker{Config: c, Plugins: plugins, Log: a.Logger(c.Log)}.OpenDevices(ctx, conn, nil)
	switch {
	case errors.Is(err, devices.ErrNoBucket):
		return noDirectory{err}, func(string) string { return "" }, nil // there is no salt
	case err != nil:
		return nil, nil, app.Unavailable(err)
	}
	return directory, directory.Hash, nil
}

// noDirectory is a directory that is missing.
type noDirectory struct{ err error }

// Devices implements [push.Directory].
func (d noDirectory) Devices(context.Context, []push.Uid, string) (map[push.Uid][]push.Device, error) {
	return nil, push.Unavailable(d.err)
}

// Gone implements [push.Directory].
func (d noDirectory) Gone(context.Context, push.Device, time.Time, string) error { return d.err }
