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
	"github.com/pushworker/pushworker/internal/directory"
	"github.com/pushworker/pushworker/pkg/push"
)

// devicesThere tells of devices that were lost, and of a directory that is empty although
// a handler is enabled that may need it. What cannot be asked, permissions and
// objects tell.
func devicesThere(ctx context.Context, c *config.Config, conn *broker.Conn, t topology.Topology, address func(push.Device) (push.Device, error)) []push.Finding {
	source, err := directory.Source(ctx, c, conn)
	if err != nil {
		return nil // which config says
	}
	if source != nil {
		return foreignDevices(ctx, source, conn, t)
	}
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
	return unclaimed(ctx, c, conn, n, address)
}

// refused says why the config would not let a handler take d, were it registered today, and
// what to do about it; both are empty if it would. An address that was in order when it was
// registered may be of a push server or a key that the config has no more. address is nil
// when nobody knows addresses.
func refused(c *config.Config, d push.Device, address func(push.Device) (push.Device, error)) (why, hint string) {
	if why, hint = c.Handlers.Unclaimed(d); why != "" || address == nil {
		return why, hint
	}
	if _, err := address(d); err != nil {
		return d.Provider + ": " + err.Error(), "correct the config of the handler, or remove the devices with pushworker device rm"
	}
	return "", ""
}

// sampled is of how many users the devices are looked at: enough to meet an app that one
// device in a hundred has, and little beside a million.
const sampled = 1000

// unclaimed tells the apps that devices have and that no handler takes. It looks at a
// sample, and says so.
func unclaimed(ctx context.Context, c *config.Config, conn *broker.Conn, registered uint64, address func(push.Device) (push.Device, error)) []push.Finding {
	some, all, err := devices.Sample(ctx, conn, sampled)
	if err != nil {
		return nil
	}
	type fault struct{ why, hint string }
	counts := make(map[fault]int)
	for _, d := range some {
		if why, hint := refused(c, d, address); why != "" {
			counts[fault{why, hint}]++
		}
	}
	of := lookedAt(len(some), all, registered)
	var found []push.Finding
	for _, f := range slices.SortedFunc(maps.Keys(counts), func(a, b fault) int { return cmp.Compare(a.why, b.why) }) {
		found = append(found, warn("devices", fmt.Sprintf("%s: nothing is sent to %d of %s", f.why, counts[f], of), f.hint))
	}
	return found
}
