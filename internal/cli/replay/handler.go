package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	var names []string
	for _, h := range c.Handlers {
		names = append(names, h.Name)
		if h.Name != name {
			continue
		}
		if !h.Common.Enabled {
			return nil, app.Usage(fmt.Errorf(`--handler %s: it is disabled: set "enabled": true in PUSHWORKER_HANDLERS, if you wish for this command only`, name))
		}
		text, err := json.Marshal([]map[string]any{{"name": name, "type": h.Type, "config": h.Config}})
		if err != nil {
			return nil, fmt.Errorf("encoding the config of handler %s: %w", name, err)
		}
		registry := &push.Registry{}
		a.Plugins(registry, d, a.Stdout)
		if err := registry.Init(string(text)); err != nil {
			return nil, fmt.Errorf("%w: %w", worker.ErrHandlers, err)
		}
		for _, h := range registry.Configured() {
			return h, nil
		}
	}
	return nil, app.Usage(fmt.Errorf("--handler %s: it is not configured, but %s: see PUSHWORKER_HANDLERS", name, strings.Join(names, ", ")))
}

// replayDirectory is the device directory. Without a bucket it is one that says so to
// those who ask: not every handler does.
func (a command) replayDirectory(ctx context.Context, conn *broker.Conn, c *config.Config) (push.Directory, error) {
	directory, err := devices.Open(ctx, conn, devices.Options{Log: a.Logger(c.Log)})
	switch {
	case errors.Is(err, devices.ErrNoBucket):
		return noDirectory{err}, nil
	case err != nil:
		return nil, app.Unavailable(err)
	}
	return directory, nil
}

// noDirectory is a directory that is missing.
type noDirectory struct{ err error }

// Devices implements [push.Directory].
func (d noDirectory) Devices(context.Context, []push.Uid) (map[push.Uid][]push.Device, error) {
	return nil, push.Unavailable(d.err)
}

// Gone implements [push.Directory].
func (d noDirectory) Gone(context.Context, push.Device, time.Time, string) error { return d.err }
