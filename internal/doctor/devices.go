package doctor

import (
	"context"
	"errors"
	"slices"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/push"
)

// devicesThere tells of devices that were lost, and of a directory that is empty although
// a handler is enabled that may need it. What cannot be asked, permissions and
// objects tell.
func devicesThere(ctx context.Context, c *config.Config, conn *broker.Conn, t topology.Topology) []push.Finding {
	if err := devices.Lost(ctx, conn, t); errors.Is(err, devices.ErrLost) {
		return []push.Finding{fail("devices", err.Error(), "correct what it says; until then receipts wait")}
	}
	reaching := slices.ContainsFunc(c.Handlers, func(h config.Handler) bool { return h.Common.Enabled && h.Name != "stdout" })
	if n, err := devices.Count(ctx, conn); err == nil && n == 0 && reaching {
		return []push.Finding{warn("devices", "no device is registered, so no push reaches anybody",
			"let the chat server register them (docs/devices.md), or use `pushworker device import`")}
	}
	return nil
}
