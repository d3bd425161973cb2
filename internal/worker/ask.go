package worker

import (
	"context"
	"slices"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/status"
)

const (
	// AskTimeout bounds a question to the broker, workerTimeout one to the worker, which
	// may not run.
	AskTimeout    = 5 * time.Second
	workerTimeout = time.Second
	// readyTimeout stays below the 5 s that the image's health check allows.
	readyTimeout = 3 * time.Second
)

// AskStatus asks the worker at the admin address, if there is one.
func AskStatus(ctx context.Context, c *config.Config) (admin.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, workerTimeout)
	defer cancel()
	return client(c).Status(ctx)
}

// AskHealth asks the worker at the admin address for /livez or /readyz.
func AskHealth(ctx context.Context, c *config.Config, route string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return client(c).Read(ctx, route)
}

// client asks the worker of c on this machine.
func client(c *config.Config) admin.Client {
	return admin.NewClient(c.AdminURL(), c.Admin.Token.Reveal(), admin.SocketPath(c.DataDir, c.Admin.Addr))
}

// AskBroker asks the broker about the lanes that the worker runs, and those that the configuration
// names. Where there is neither, they are those that the broker has.
func AskBroker(ctx context.Context, c *config.Config, conn *broker.Conn, remote admin.Status) admin.Status {
	ctx, cancel := context.WithTimeout(ctx, AskTimeout)
	defer cancel()
	sample := admin.TakeSample(ctx, status.NewReader(conn), Topology(c, lanesInQuestion(ctx, c, conn, remote)))
	seen := admin.NewStatus(sample, remote.Process, remote.States())
	return seen.Keep(remote)
}

func lanesInQuestion(ctx context.Context, c *config.Config, conn *broker.Conn, remote admin.Status) []string {
	names, configured := remote.Running(), EnabledHandlers(c)
	if !c.IsDefault("PUSHWORKER_HANDLERS") {
		names = append(names, configured...)
	}
	if len(names) > 0 {
		slices.Sort(names)
		return slices.Compact(names)
	}
	lanes, err := status.OtherLanes(ctx, conn, Topology(c, nil))
	if err != nil || len(lanes) == 0 {
		return configured
	}
	for _, lane := range lanes {
		if !lane.Abandoned || slices.Contains(configured, lane.Handler) { // the others the broker's answer has in any case
			names = append(names, lane.Handler)
		}
	}
	return names
}

// EnabledHandlers are the handlers that have lanes.
func EnabledHandlers(c *config.Config) []string {
	var names []string
	for _, h := range c.Handlers {
		if h.Common.Enabled {
			names = append(names, h.Name)
		}
	}
	return names
}
