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
func New(directory push.Directory) push.Handler {
	return push.Adapt(func(jsonconf string) (push.Work, error) {
		c, err := parseConfig(jsonconf)
		if err != nil {
			return push.Work{}, err
		}
		if err := c.findProject(); err != nil {
			return push.Work{}, err
		}
		s, err := newSender(context.Background(), c, serviceaccount.Fetch(messagingScope)) //nolint:forbidigo // push.Handler's Init takes none
		if err != nil {
			return push.Work{}, err
		}
		common, _ := push.ParseCommon(jsonconf) // its faults are told by Adapt
		return newHandler(c, common, directory, s).work(), nil
	}).ToDevices()
}

// handler turns receipts into messages.
type handler struct {
	config *Config
	sender *sender
	fanout *fanout.Fanout[message]
}

func newHandler(c *Config, common push.Common, directory push.Directory, s *sender) *handler {
	h := &handler{config: c, sender: s}
	h.fanout = fanout.New(directory, fanout.Way[message]{
		Name: "FCM", Provider: provider, Line: s.line, Prepare: h.prepare, Call: h.call, Text: text,
		Mine: common.Takes,
	})
	return h
}

func (h *handler) work() push.Work {
	return h.fanout.Work(push.Work{
		TTL: h.config.Lifetime, Check: h.check, Probe: h.probe, State: h.sender.state, Close: h.sender.close,
	})
}

func (h *handler) prepare(r *push.Receipt, now time.Time) (fanout.Renderer[message], error) {
	made, err := newTemplate(h.config, r, now)
	if made == nil {
		return nil, err
	}
	return made, nil
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
