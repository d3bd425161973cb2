package apns

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// sendTimeout bounds one request.
	sendTimeout = 15 * time.Second
	// idleAfter closes connections that nothing uses. Apple wants them kept, and may take
	// many new ones for an attack.
	idleAfter = 30 * time.Minute
	// maxToken is the longest token in hexadecimal digits; they have 64 now, and Apple says
	// not to count on that.
	maxToken = 200
)

// sender sends to one environment with one key:
//
//	line ─► auth ─► wire ─► APNs ─► classify
//
// Its methods are safe for concurrent use.
type sender struct {
	line    *line.Line
	auth    *auth
	wire    *line.Wire
	renewed atomic.Int64 // when a connection was last given up because of a topic, in Unix ns
}

// newSender connects nothing.
func newSender(ctx context.Context, c *Config) (*sender, error) {
	endpoint, err := url.Parse(strings.TrimSuffix(c.Endpoint, "/"))
	if err != nil {
		return nil, fmt.Errorf("read the endpoint: %w", err)
	}
	s := &sender{}
	s.line = line.New(line.Options{
		Name: "APNs", InFlight: c.MaxInFlight, MostInFlight: c.stretched, Timeout: sendTimeout, PingWait: c.pingWait,
		Ready: func(ctx context.Context) error { return s.auth.Ready(ctx) },
	})
	s.wire = line.NewWireAs(ctx, s.line, endpoint, line.Wiring{Prime: true, Move: move, IdleAfter: idleAfter, Tunnel: true})
	s.auth = newAuth(c) //nolint:contextcheck // it outlives ctx, until close
	return s, nil
}

// renewEvery is between two connections that are given up because Apple does not know a
// topic: each would be for every push, and Apple may take that for an attack.
const renewEvery = time.Minute

// renews reports whether the connection on which Apple does not know a topic is to be given
// up. It knows the topics that the key had when it was made ("Establishing a token-based
// connection to APNs"), so that without a new one a bundle id that was added later is
// refused for as long as the worker runs.
func (s *sender) renews(now time.Time) bool {
	last := s.renewed.Load()
	return now.UnixNano()-last >= int64(renewEvery) && s.renewed.CompareAndSwap(last, now.UnixNano())
}

// close ends what newSender began, when nothing is sent any more.
func (s *sender) close() {
	s.auth.Close()
	s.wire.Close()
}

// state is [push.Stater]'s.
func (s *sender) state() push.State { return s.line.State(s.auth.State()) }

// call is the request that carries m. What shares a topic can fail together.
func (s *sender) call(m *message) line.Call {
	return line.Call{Key: m.token, Group: s.line.Group(m.topic), Do: func(ctx context.Context, answered func(line.Answer)) {
		(&request{message: m, sender: s, ctx: ctx, answered: answered}).send()
	}}
}

// request is a push on its way.
type request struct {
	*message
	sender   *sender
	ctx      context.Context //nolint:containedctx // the request's own, which lives as long
	answered func(line.Answer)
	repeated bool
	peek     func(line.Exchange) // shown what came back, if it is not nil
}

var errNoToken = errors.New("the device's token is none of Apple's, which are hexadecimal digits")

func (r *request) send() {
	if !isToken(r.token) {
		v, _ := (&refusal{Reason: "BadDeviceToken"}).verdict(400)
		v.Tried, v.Err = true, errNoToken
		r.answered(v.Answer)
		return
	}
	t, err := r.sender.auth.Now()
	if err != nil { // it has gone since Ready was asked
		r.answered(r.sender.line.Down(fmt.Errorf("no provider token: %w", err)))
		return
	}
	r.post(t.Value)
}

func (r *request) post(b *bearer) { r.sender.wire.Send(r.ctx, b.head, r, r.answered) }

// Particulars implements [line.Particular].
func (r *request) Particulars(f []h2post.Field) (path string, fields []h2post.Field) {
	kind, priority := r.manner()
	f = append(f,
		h2post.Field{Name: "apns-topic", Value: r.topic},
		h2post.Field{Name: "apns-push-type", Value: kind},
		h2post.Field{Name: "apns-priority", Value: priority},
		h2post.Field{Name: "apns-expiration", Value: r.expiration},
		h2post.Field{Name: "apns-id", Value: r.id},
	)
	if !r.voip {
		f = append(f, h2post.Field{Name: "apns-collapse-id", Value: r.collapse})
	}
	return "/3/device/" + r.token, f
}

// Claim implements [line.Request]. What Apple says that it has not processed is repeated
// once, over another connection.
func (r *request) Claim(x line.Exchange) (line.Answer, bool) {
	if r.peek != nil {
		r.peek(x)
	}
	v := classify(x, time.Now())
	if v.again != never || v.Code == codeTopic && r.sender.renews(time.Now()) {
		x.Retire()
	}
	if v.again == never || r.repeated {
		return v.Answer, true
	}
	r.repeated = true
	go r.repeat(v, bearerOf(x.Head()))
	return line.Answer{}, false
}

// repeat posts once more; v is the answer if there is no token to do it with.
func (r *request) repeat(v verdict, sent *bearer) {
	if v.again == renewed {
		sent = r.sender.auth.instead(r.ctx, sent)
	}
	if sent == nil {
		r.answered(v.Answer)
		return
	}
	r.post(sent)
}

func isToken(s string) bool {
	if len(s) > maxToken {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil && s != ""
}

// receiptID names r, the same in every attempt.
func receiptID(r *push.Receipt) string {
	if id := r.Delivery().ID(); id != "" {
		return id
	}
	return rand.Text() // it comes from no queue, so there is one attempt
}

// messageID is the UUID of a receipt's push to d, the same in every attempt (RFC 9562,
// version 8).
func messageID(receipt string, d push.Device) string {
	more := d.More()
	text := make([]byte, 0, 256)
	for _, part := range [...]string{receipt, d.User.String(), more.App, d.ID, more.Kind} {
		text = append(append(text, part...), 0)
	}
	sum := sha256.Sum256(text)
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	text = text[:0]
	from := 0
	for _, to := range [...]int{4, 6, 8, 10, 16} {
		if from > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, sum[from:to])
		from = to
	}
	return string(text)
}
