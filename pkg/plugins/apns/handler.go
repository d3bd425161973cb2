package apns

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/fanout"
	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// provider is what devices call us.
	provider = "apns"
	// kindVoIP is that of a token of PushKit's, which takes calls.
	kindVoIP = "voip"
)

// New makes the handler. It asks directory for the devices of a receipt's users
// and reports dead tokens to it. Its config is a [Config]. Init does not wait for
// the network: what is wrong with the key's file is the first receipt's outcome.
func New(directory push.Directory) push.Handler { return newWith(directory, 0) }

// newWith is New with another [line.Options].PingWait.
func newWith(directory push.Directory, pingWait time.Duration) push.Handler {
	connect := func(ctx context.Context, c *Config) (*sender, error) {
		c.pingWait = pingWait
		return newSender(ctx, c)
	}
	return fanout.Adapt(parseConfig, connect, func(c *Config, common push.Common, s *sender) push.Work {
		return newHandler(c, common, directory, s).work()
	}).Addresses(address)
}

var errAddress = errors.New("token is none of Apple's: want its bytes in hexadecimal digits, as didRegisterForRemoteNotificationsWithDeviceToken gives them")

// address is [push.Addresser]'s. Upper and lower case are one token.
func address(_ string, d push.Device) (push.Device, error) {
	if !isToken(d.Token) {
		return d, errAddress
	}
	d.Token = strings.ToLower(d.Token)
	return d, nil
}

// handler turns receipts into pushes.
type handler struct {
	config *Config
	sender *sender
	fanout *fanout.Fanout[*message]
}

func newHandler(c *Config, common push.Common, directory push.Directory, s *sender) *handler {
	h := &handler{config: c, sender: s}
	quiet := newBackground(c.BackgroundEvery)
	h.fanout = fanout.New(directory, fanout.Way[*message]{
		Name: "APNs", Provider: provider, Line: s.line, Prepare: h.prepare, Text: text,
		Call: func(_ push.Device, m *message) line.Call { return s.call(m) },
		Hold: func(m *message) (string, time.Duration) { return quiet.hold(m, time.Now()) },
		Mine: func(d push.Device) bool { return common.Takes(d) && c.reaches(d) },
	})
	return h
}

// reaches reports whether a device is of this environment. Those that name no provider
// are FCM's.
func (c *Config) reaches(d push.Device) bool {
	more := d.More()
	return d.Provider == provider && d.Token != "" && (more.Env == "" || more.Env == c.Environment) && (more.Kind == "" || more.Kind == kindVoIP && c.PushType == "")
}

func (h *handler) work() push.Work {
	return h.fanout.Work(push.Work{
		TTL: h.config.Lifetime, Check: h.check, Probe: h.probe, State: h.sender.state, Close: h.sender.close,
	})
}

func (h *handler) prepare(r *push.Receipt, now time.Time) (fanout.Renderer[*message], error) {
	return fanout.Prepared[*message](newTemplate(h.config, r, now)) //nolint:wrapcheck // it is the outcome
}

// text is m without the token.
func text(m *message) ([]byte, error) {
	_, fields := (&request{message: m}).Particulars(nil)
	headers := make(map[string]string, len(fields))
	for _, f := range fields {
		headers[f.Name] = f.Value
	}
	var w jsonbody.Writer
	w.Begin("")
	w.Map("headers", headers)
	return append(m.Append(append(w, `,"payload":`...)), '}'), nil
}
