package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// Reach finds devices that no handler of their provider sends to, although the config has
// one, and those that get nothing before they are activated. It looks at a sample.
type Reach struct {
	of      string // of how many devices
	some    []push.Device
	reached []bool // by one of the handlers that were seen
	found   []push.Finding
}

// NewReach reads the sample. It has no devices if another than the broker keeps them, or
// if they cannot be read, which other checks tell.
func NewReach(ctx context.Context, c *config.Config, connect func(context.Context) (*broker.Conn, error)) *Reach {
	r := &Reach{}
	if c.Directory == config.InNATS || c.Directory.IsPostgres() || !c.Handlers.ReachesDevices() {
		return r
	}
	conn, err := connect(ctx)
	if err != nil {
		return r
	}
	defer conn.Close()
	registered, _ := devices.Count(ctx, conn)
	some, all, err := devices.Sample(ctx, conn, sampled)
	if err != nil {
		return r
	}
	r.some, r.of = some, lookedAt(len(some), all, registered)
	r.reached = make([]bool, len(some))
	return r
}

// lookedAt says how many devices a sample has.
func lookedAt(n int, all bool, registered uint64) string {
	if all {
		return fmt.Sprintf("%d devices", n)
	}
	return fmt.Sprintf("%d devices looked at, out of about %d", n, registered)
}

// Reaches reports whether a handler of that type sends to d; h is nil if it is disabled. It
// has run, or runs.
func Reaches(kind string, h push.Handler, d push.Device) bool {
	if h == nil || !d.For(kind) {
		return false
	}
	of, knows := h.(push.Reacher)
	return !knows || of.Reaches(d)
}

// See notes which devices a handler of that type reaches, and which wait for it; h as
// [Reaches] has it.
func (r *Reach) See(name, kind string, h push.Handler) {
	activator, activates := h.(push.Activator)
	waiting := 0
	for i, d := range r.some {
		if !Reaches(kind, h, d) {
			continue
		}
		r.reached[i] = true
		if activates && !d.More().Activated && activator.Activates(d) {
			waiting++
		}
	}
	if waiting > 0 {
		r.found = append(r.found, warn(name+" activation", fmt.Sprintf("%d of %s are not activated, so they get test pushes only", waiting, r.of),
			"let the apps return the token of the test push by push.devices.ack (docs/devices.md), and register again at each start; `pushworker device test` sends another"))
	}
}

// Findings are what the handlers that were seen leave to say, beside what the check of the
// broker tells by the config alone.
func (r *Reach) Findings(c *config.Config, address func(push.Device) (push.Device, error)) []push.Finding {
	counts := make(map[string]int)
	for i, d := range r.some {
		if why, _ := refused(c, d, address); !r.reached[i] && why == "" {
			counts[manner(d)]++
		}
	}
	for _, which := range slices.Sorted(maps.Keys(counts)) {
		r.found = append(r.found, warn("devices", fmt.Sprintf("%s: no handler takes it: nothing is sent to %d of %s", which, counts[which], r.of), mannerHint))
	}
	return r.found
}

// Untaken says why no handler takes d, which [Reaches] says of each, and what to do about it.
func Untaken(c *config.Config, d push.Device, address func(push.Device) (push.Device, error)) (why, hint string) {
	if why, hint = refused(c, d, address); why != "" {
		return why, hint
	}
	return manner(d) + ": no handler takes it", mannerHint
}

const mannerHint = "add a handler that does, or correct how the device is registered (docs/devices.md)"

// manner is what a handler may look at of d beside its app and its address.
func manner(d push.Device) string {
	text, more := cmp.Or(d.Provider, "no provider"), d.More()
	if more.Env != "" {
		text += fmt.Sprintf(", env %q", more.Env)
	}
	if more.Kind != "" {
		text += fmt.Sprintf(", kind %q", more.Kind)
	}
	return text
}
