package hms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/fanout"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// provider is what devices call us.
	provider = "hms"
	// sendTimeout bounds one request.
	sendTimeout = 15 * time.Second
	// batch is how many tokens Huawei takes in a request.
	batch = 1000
	// room is how many bytes the tokens of a request have at most: an answer that names all of
	// them is read whole, which ends at 64 KiB.
	room = 48 << 10
)

// New makes the handler. It asks directory for the devices of a receipt's users
// and reports dead tokens to it. Its config is a [Config]. Init does not wait for
// the network.
func New(directory push.Directory) push.Handler { return newWith(directory, 0) }

// newWith is New with another [line.Options].PingWait.
func newWith(directory push.Directory, pingWait time.Duration) push.Handler {
	connect := func(ctx context.Context, c *Config) (*sender, error) {
		c.pingWait = pingWait
		return newSender(ctx, c)
	}
	return fanout.Adapt(parseConfig, connect, func(c *Config, common push.Common, s *sender) push.Work {
		return newHandler(c, common, directory, s).work()
	})
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
		Name: s.line.Name, Provider: provider, Line: s.line, Prepare: h.prepare, Text: text,
		Mine:  func(d push.Device) bool { return common.Takes(d) && d.Provider == provider },
		Call:  func(d push.Device, m message) line.Call { return s.call(m, false, d.Token) },
		Batch: batch, Room: room,
		Together: func(to []push.Device, m message) line.Call {
			tokens := make([]string, len(to))
			for i := range to {
				tokens[i] = to[i].Token
			}
			return s.call(m, false, tokens...)
		},
	})
	return h
}

func (h *handler) work() push.Work {
	return h.fanout.Work(push.Work{
		TTL: h.config.Lifetime, Check: h.check, Probe: h.probe, State: h.sender.state, Close: h.sender.close,
	})
}

func (h *handler) prepare(r *push.Receipt, now time.Time) (fanout.Renderer[message], error) {
	return fanout.Prepared[message](newTemplate(h.config, r, now)) //nolint:wrapcheck // it is the outcome
}

// text is m without the tokens.
func text(m message) ([]byte, error) {
	body := (&request{message: m}).Append(nil)
	made, err := json.Marshal(struct {
		Type string          `json:"push_type,omitempty"`
		Body json.RawMessage `json:"body"`
	}{m.kind, body})
	if err != nil {
		return nil, fmt.Errorf("write a message: %w", err)
	}
	return made, nil
}

// sender sends to one project of Huawei's:
//
//	line ─► auth ─► wire ─► Push Kit ─► classify
//
// Its methods are safe for concurrent use.
type sender struct {
	line *line.Line
	auth *auth
	wire *line.Wire
}

// newSender connects nothing, but begins to get a token.
func newSender(ctx context.Context, c *Config) (*sender, error) {
	endpoint, err := url.Parse(strings.TrimSuffix(c.Endpoint, "/"))
	if err != nil {
		return nil, fmt.Errorf("read the endpoint: %w", err)
	}
	s := &sender{}
	s.line = line.New(line.Options{
		Name: "Push Kit", InFlight: c.MaxInFlight, Timeout: sendTimeout, PingWait: c.pingWait,
		Ready: func(ctx context.Context) error { return s.auth.Ready(ctx) },
	})
	s.wire = line.NewWire(ctx, s.line, endpoint, false)
	s.auth = newAuth(c, endpoint.EscapedPath()) //nolint:contextcheck // it outlives ctx, until close
	return s, nil
}

// close ends what newSender began, when nothing is sent any more.
func (s *sender) close() {
	s.auth.Close()
	s.wire.Close()
}

// state is [push.Stater]'s.
func (s *sender) state() push.State { return s.line.State(s.auth.State()) }
