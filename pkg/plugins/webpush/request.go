package webpush

import (
	"context"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// sender sends single messages:
//
//	line ─► request ─► wire of the origin ─► push server ─► classify
//
// Its methods are safe for concurrent use.
type sender struct {
	config    *Config
	directory push.Directory // nil if nobody wants to know who fails
	line      *line.Line
	origins   *origins
}

// timeout bounds one request.
const timeout = 10 * time.Second

// perSilent is how many requests may be open to a server that answers nothing.
const perSilent = 8

// newSender connects nothing.
func newSender(ctx context.Context, c *Config) *sender {
	s := &sender{config: c, line: line.New(line.Options{Name: "Web Push", InFlight: c.MaxInFlight, PerSilent: perSilent, Timeout: timeout, PingWait: c.pingWait})}
	s.origins = newOrigins(ctx, c, s.line)
	return s
}

// key is which of ours the subscription of a device was made with; false when that is
// none, and not sure when the device does not say.
func (c *Config) key(d push.Device) (i int, sure, ok bool) {
	app := d.More().App
	for i, k := range c.VAPID {
		if k.ID == app && (app != "" || len(c.VAPID) == 1) {
			return i, true, true
		}
	}
	return 0, false, app == "" || len(c.VAPID) == 1 && c.VAPID[0].ID == ""
}

// call is the request that carries m to d.
func (s *sender) call(d push.Device, m *message) line.Call {
	to, err := parseSubscription(d)
	if err != nil {
		return line.Call{Key: d.Token, Do: func(_ context.Context, answered func(line.Answer)) { answered(unusable(err)) }}
	}
	o := s.origins.get(to.origin)
	return line.Call{Key: d.Token, Group: o.group, Do: func(ctx context.Context, answered func(line.Answer)) {
		i, sure, _ := s.config.key(d)
		r := &request{sender: s, ctx: ctx, to: to, origin: o, message: m, key: i, last: sure}
		r.answered = r.noting(ctx, d, answered)
		r.send()
	}}
}

// request is a message on its way to a push server.
type request struct {
	*sender
	*message

	ctx      context.Context //nolint:containedctx // the request's own, which lives as long
	to       *subscription
	origin   *origin
	key      int    // the VAPID key's number
	last     bool   // no other key is tried
	asked    bool   // there was an exchange
	failed   string // the lasting failure that the last one may be part of; empty for none
	peek     func(line.Exchange)
	answered func(line.Answer)
}

func (r *request) send() {
	now := time.Now()
	head, err := r.origin.head(r.key, now, func() (*h2post.Head, error) { return r.newHead(now) })
	if err != nil {
		r.answered(line.Answer{Fate: line.Again, Scope: line.OfGroup, Closed: true, Innocent: true, Code: "vapid", Err: err})
		return
	}
	r.origin.wire.Send(r.ctx, head, r, r.answered)
}

// newHead is what all requests to r's origin have in common that show r's key.
func (r *request) newHead(now time.Time) (*h2post.Head, error) {
	authorization, err := r.config.VAPID[r.key].Key.authorization(r.origin.name, r.config.Subject, now)
	if err != nil {
		return nil, err
	}
	fields := []h2post.Field{
		{Name: "authorization", Value: authorization},
		{Name: "content-encoding", Value: "aes128gcm"},
		{Name: "user-agent", Value: "pushworker"},
	}
	if r.origin.vendor == microsoft {
		fields = append(fields, h2post.Field{Name: "x-wns-cache-policy", Value: "cache"}) // else it refuses a TTL
	}
	return h2post.NewHead("/", fields...), nil
}

// Append implements [line.Request].
func (r *request) Append(b []byte) []byte {
	b, err := r.to.seal(b, r.text)
	if err != nil {
		panic(fmt.Errorf("encrypt a message: %w", err)) // keys are checked
	}
	return b
}

// Particulars implements [line.Particular].
func (r *request) Particulars(f []h2post.Field) (path string, fields []h2post.Field) {
	f = append(f, h2post.Field{Name: "content-type", Value: r.kind}, h2post.Field{Name: "ttl", Value: r.ttl}, h2post.Field{Name: "urgency", Value: r.urgency})
	if r.topic != "" {
		f = append(f, h2post.Field{Name: "topic", Value: r.topic})
	}
	return r.to.path, f
}

// Claim implements [line.Request]. A request that is refused because the subscription
// belongs to another key is repeated with the next one, if the device does not say which
// it is: a refusal says that nothing was sent.
func (r *request) Claim(x line.Exchange) (line.Answer, bool) {
	a := classify(x, r.origin.vendor, time.Now())
	r.asked, r.failed = true, failure(x)
	if a.Code == codeMismatch && !r.last && r.key+1 < len(r.config.VAPID) {
		r.key++
		go r.send()
		return line.Answer{}, false
	}
	if r.peek != nil {
		r.peek(x)
	}
	return a, true
}
