package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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
	if !c.Handlers.ReachesDevices() {
		return nil
	}
	n, err := devices.Count(ctx, conn)
	switch {
	case err != nil:
		return nil
	case n == 0:
		return []push.Finding{warn("devices", "no device is registered, so no push reaches anybody",
			"let the chat server register them (docs/devices.md), or use `pushworker device import`")}
	}
	return unclaimed(ctx, c, conn, n)
}

// sampled is of how many users the devices are looked at: enough to meet an app that one
// device in a hundred has, and little beside a million.
const sampled = 1000

// unclaimed tells the apps that devices have and that no handler takes. It looks at a
// sample, and says so.
func unclaimed(ctx context.Context, c *config.Config, conn *broker.Conn, registered uint64) []push.Finding {
	some, all, err := devices.Sample(ctx, conn, sampled)
	if err != nil {
		return nil
	}
	type fault struct{ why, hint string }
	counts := make(map[fault]int)
	for _, d := range some {
		if why, hint := c.Handlers.Unclaimed(d); why != "" {
			counts[fault{why, hint}]++
		}
	}
	of := fmt.Sprintf("%d devices", len(some))
	if !all {
		of += fmt.Sprintf(" looked at, out of about %d", registered)
	}
	var found []push.Finding
	for _, f := range slices.SortedFunc(maps.Keys(counts), func(a, b fault) int { return cmp.Compare(a.why, b.why) }) {
		found = append(found, warn("devices", fmt.Sprintf("%s: nothing is sent to %d of %s", f.why, counts[f], of), f.hint))
	}
	return found
}
