package webpush

import (
	"context"
	"errors"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/fanout"
	"github.com/pushworker/pushworker/pkg/push"
)

// provider is what devices call us.
const provider = "webpush"

// New makes the handler. It asks directory for the devices of a receipt's users and
// reports subscriptions to it that are gone. Its config is a [Config]. Init does not wait
// for the network.
func New(directory push.Directory) push.Handler { return newWith(directory, 0) }

// newWith is New with another [line.Options].PingWait.
func newWith(directory push.Directory, pingWait time.Duration) push.Handler {
	return push.Adapt(func(jsonconf string) (push.Work, error) {
		c, err := parseConfig(jsonconf)
		if err != nil {
			return push.Work{}, err
		}
		c.pingWait = pingWait
		common, _ := push.ParseCommon(jsonconf)                            // its faults are told by Adapt
		return newHandler(context.Background(), c, common, directory), nil //nolint:forbidigo // push.Handler's Init takes none
	}).ToDevices().Addresses(address)
}

func newHandler(ctx context.Context, c *Config, common push.Common, directory push.Directory) push.Work {
	s := newSender(ctx, c)
	s.directory = directory
	f := fanout.New(directory, fanout.Way[*message]{
		Name: "Web Push", Provider: provider, Line: s.line, Call: s.call,
		Mine: func(d push.Device) bool { return common.Takes(d) && c.takes(d) },
		Text: func(m *message) ([]byte, error) { return m.text, nil },
		Prepare: func(r *push.Receipt, now time.Time) (fanout.Renderer[*message], error) {
			return fanout.Prepared[*message](newTemplate(c, r, now)) //nolint:wrapcheck // it is the outcome
		},
	})
	return f.Work(push.Work{
		TTL: c.Lifetime, Check: s.check, Close: s.origins.close,
		Activates: func(d push.Device) bool { return d.For(provider) && common.Takes(d) && c.takes(d) && c.activates(d) },
		State:     func() push.State { return s.line.State(push.State{}) },
	})
}

// takes reports whether d may be asked and belongs to one of our keys. What is damaged is
// taken, so that it is removed.
func (c *Config) takes(d push.Device) bool {
	u, err := endpointOf(d)
	if err != nil {
		return true
	}
	_, _, ours := c.key(d)
	return ours && c.admits(u) == nil
}

// activates reports whether d gets a test push before anything else.
func (c *Config) activates(d push.Device) bool {
	u, err := endpointOf(d)
	switch {
	case err != nil:
		return false
	case c.Activate != nil:
		return *c.Activate
	}
	return c.named(u) == nil
}

// address is [push.Addresser]'s.
func address(jsonconf string, d push.Device) (push.Device, error) {
	var c *Config
	if jsonconf != "" {
		var err error
		if c, err = parseConfig(jsonconf); err != nil {
			return d, errors.New("the handler's config is not valid: pushworker config check says why")
		}
	}
	return canonical(c, d, time.Now())
}
