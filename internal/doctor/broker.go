package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// skewWarn and skewFail are how far the broker's clock may be off: ages and
	// retries go by it.
	skewWarn, skewFail = 2 * time.Second, 2 * time.Minute
	// fullWarn is the fill in percent from which on a stream is told; the janitor
	// trims at 75.
	fullWarn = 85
	// fullFail is the fill from which on there is hardly room for another receipt.
	fullFail = 99
)

// Broker looks at what the broker has for a worker of c with topology t: whether it
// accepts our login, what it permits, and how its objects are. address says whether the
// handlers of a device's provider can send to it.
func Broker(c *config.Config, t topology.Topology, address func(push.Device) (push.Device, error), connect func(context.Context) (*broker.Conn, error)) Group {
	return Group{"broker", func(ctx context.Context) []push.Finding {
		conn, err := connect(ctx)
		if err != nil {
			return []push.Finding{fail("login", err.Error(), "correct what the lines on the network and the credentials say")}
		}
		defer conn.Close()
		parts := []func() []push.Finding{
			func() []push.Finding { return permissions(ctx, conn, t, c.Provision) },
			func() []push.Finding { return objects(ctx, c, conn, t) },
			func() []push.Finding { return rooms(ctx, conn, t) },
			func() []push.Finding { return lanes(ctx, conn, t) },
			func() []push.Finding { return letters(ctx, conn, t) },
			func() []push.Finding { return devicesThere(ctx, c, conn, t, address) },
			func() []push.Finding { return subscriptions(ctx, conn) },
			func() []push.Finding { return skew(ctx, conn, t) },
			func() []push.Finding { return payload(int64(c.MaxReceiptBytes), conn.MaxPayload()) },
			func() []push.Finding { return producers(ctx, conn, t) },
		}
		found := make([][]push.Finding, len(parts))
		var looking sync.WaitGroup
		for i, part := range parts {
			looking.Go(func() { found[i] = part() })
		}
		looking.Wait()
		all := []push.Finding{ok("login", "logged in")}
		for _, f := range found {
			all = append(all, f...)
		}
		return all
	}}
}

func permissions(ctx context.Context, conn *broker.Conn, t topology.Topology, provision bool) []push.Finding {
	var found []push.Finding
	all := status.Permissions(ctx, conn, t, provision)
	for _, p := range all {
		if p.Err == nil {
			continue
		}
		f := warn("permission", fmt.Sprintf("%s is not permitted, which is for %s", verb(p), p.For), "give it to the user; deploy/permissions has complete sets")
		if _, denied := errors.AsType[*broker.DeniedError](p.Err); !denied {
			f.Text = fmt.Sprintf("%s, which is for %s: %v", verb(p), p.For, p.Err)
		}
		if p.Needed {
			f.Level = push.LevelFail
		}
		found = append(found, f)
	}
	if len(found) == 0 {
		found = append(found, ok("permission", "every one that a worker needs is there"))
	}
	return found
}

func verb(p status.Permission) string {
	if p.Subscribe {
		return "subscribing to " + p.Subject
	}
	return "publishing to " + p.Subject
}

// objects looks at streams, durables and the bucket. A worker that provisions will
// make what is missing and update what it can.
func objects(ctx context.Context, c *config.Config, conn *broker.Conn, t topology.Topology) []push.Finding {
	all, err := topology.Inspect(ctx, conn, t)
	if err != nil {
		return []push.Finding{fail("objects", err.Error(), "correct the configuration")}
	}
	all = append(all, devices.Inspect(ctx, conn, c.Replicas))
	if c.Handlers.ReachesDevices() {
		all = append(all, channels.Inspect(ctx, conn, c.Replicas))
	}
	var found []push.Finding
	for _, o := range all {
		found = append(found, object(o, c.Provision)...)
	}
	found = append(found, positions(topology.InspectPositions(ctx, conn, t), c.Provision)...)
	if len(found) == 0 {
		found = append(found, ok("objects", fmt.Sprintf("all %d streams, durables and buckets are as they should be", len(all)+1)))
	}
	return found
}

// positions tells of the bucket of positions, without which lanes work. Who may not look
// at it may record in it all the same.
func positions(o topology.Object, provision bool) []push.Finding {
	if _, denied := errors.AsType[*broker.DeniedError](o.Err); denied {
		return nil
	}
	found := object(o, provision)
	for i := range found {
		found[i].Level = push.LevelWarn
	}
	return found
}

// object tells everything about one object: what is wrong, and each difference that does
// no harm.
func object(o topology.Object, provision bool) (found []push.Finding) {
	remedy := "start `pushworker run`, which makes or updates it"
	if !provision {
		remedy = "let a user who may do so make or change it, see PUSHWORKER_PROVISION in docs/configuration.md"
	}
	for _, err := range topology.Split(o.Err) {
		found = append(found, fail(o.Name, err.Error(), remedy))
	}
	for _, d := range o.Differences {
		if !d.Harmful() {
			found = append(found, warn(o.Name, d.String(), "run `pushworker provision`, which changes it; or set the variable to the present value"))
		}
	}
	return found
}

func rooms(ctx context.Context, conn *broker.Conn, t topology.Topology) []push.Finding {
	all, err := status.Rooms(ctx, conn, t)
	var found []push.Finding
	for _, r := range all {
		percent := 100 * float64(r.Bytes) / float64(r.Limit)
		f := ok("room", fmt.Sprintf("%s is %.0f %% full", r.Of, percent))
		switch {
		case percent >= fullFail:
			f = fail("room", f.Text+": publishers are refused", "see `pushworker status` for the lane that does not keep up or that no worker runs, or raise the limit")
		case percent >= fullWarn:
			f = warn("room", f.Text, "when it is full, publishers are refused: see `pushworker status` for the lane that does not keep up, or raise the limit")
		}
		found = append(found, f)
	}
	if _, denied := errors.AsType[*broker.DeniedError](err); err != nil && !denied { // objects tells what is missing, and who may not ask need not know
		found = append(found, warn("room", err.Error(), "correct what the lines on streams say"))
	}
	return found
}

func skew(ctx context.Context, conn *broker.Conn, t topology.Topology) []push.Finding {
	s, err := status.SkewOf(ctx, conn, t)
	if err != nil {
		return nil // permissions and objects tell why
	}
	off := max(0, s.Ahead.Abs()-s.Within)
	const remedy = "synchronise the clocks of both machines (chrony, systemd-timesyncd)"
	switch {
	case off > skewFail:
		return []push.Finding{fail("clock", fmt.Sprintf("the broker's clock is off by %s", off.Round(time.Second)), remedy)}
	case off > skewWarn:
		return []push.Finding{warn("clock", fmt.Sprintf("the broker's clock is off by %s", off.Round(time.Second)), remedy)}
	}
	return []push.Finding{ok("clock", "the broker's clock and this machine's agree within "+skewWarn.String())}
}
