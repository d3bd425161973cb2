package fcm

import (
	"context"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/fanout"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/serviceaccount"
	"github.com/pushworker/pushworker/pkg/push"
)

// provider is what devices call us. A device that names no provider is ours, too:
// directories of chat servers that know only FCM do not say.
const provider = "fcm"

// messagingScope is what an access token must be good for.
const messagingScope = "https://www.googleapis.com/auth/firebase.messaging"

// New makes the handler. It asks directory for the devices of a receipt's users
// and reports dead tokens to it. Its config is a [Config]. Init does not wait for
// the network: what is wrong with the credentials is the first receipt's outcome.
func New(directory push.Directory) push.Handler { return newWith(directory, 0) }

// newWith is New with another [line.Options].PingWait.
func newWith(directory push.Directory, pingWait time.Duration) push.Handler {
	parse := func(jsonconf string) (*Config, error) {
		c, err := parseConfig(jsonconf)
		if err == nil {
			c.pingWait = pingWait
			err = c.findProject()
		}
		return c, err
	}
	connect := func(ctx context.Context, c *Config) (*sender, error) {
		return newSender(ctx, c, serviceaccount.Fetch(messagingScope))
	}
	return fanout.Adapt(parse, connect, func(c *Config, common push.Common, s *sender) push.Work {
		return newHandler(c, common, directory, s).work()
	})
}

// handler turns receipts into messages.
type handler struct {
	config *Config
	sender *sender
	fanout *fanout.Fanout[message]
	mine   func(push.Device) bool
}

func newHandler(c *Config, common push.Common, directory push.Directory, s *sender) *handler {
	h := &handler{config: c, sender: s, mine: common.Takes}
	h.fanout = fanout.New(directory, fanout.Way[message]{
		Name: "FCM", Provider: provider, Line: s.line, Prepare: h.prepare, Call: h.call, Text: text,
		Mine: common.Takes,
	})
	return h
}

func (h *handler) work() push.Work {
	return h.fanout.Work(push.Work{
		TTL: h.config.Lifetime, Check: h.check, Probe: h.probe, State: h.sender.state, Close: h.sender.close, Warnings: h.config.warnings(),
		Channels: h.channels(),
	})
}

func (h *handler) prepare(r *push.Receipt, now time.Time) (fanout.Renderer[message], error) {
	return fanout.Prepared[message](newTemplate(h.config, r, now)) //nolint:wrapcheck // it is the outcome
}

// call is the request that carries m to d.
func (h *handler) call(d push.Device, m message) line.Call {
	return h.sender.call(m, h.sender.dryRun, platformOf(d.Platform))
}

// text is m without the token.
func text(m message) ([]byte, error) {
	m.token = ""
	return m.appendTo(nil), nil
}
