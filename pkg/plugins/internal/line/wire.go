package line

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

const (
	// repeats is how often a request is repeated in silence that the provider says it has
	// not processed.
	repeats = 2
	// fallbackFor is how long net/http is used for a peer that does not speak HTTP/2,
	// until it is asked again.
	fallbackFor = 10 * time.Minute
	// farewell is how long connections have for their good-bye.
	farewell = time.Second
)

// Wire carries the requests of a line to one authority: over [h2post.Client], or over
// net/http where that is chosen or cannot be avoided. Its methods are safe for
// concurrent use.
type Wire struct {
	first, second h2post.Poster // second is for peers without HTTP/2; nil if first is
	fallback      atomic.Int64  // until when second is used, in Unix ns
	posts         sync.Pool     // of *post
	crowd         atomic.Pointer[crowd]
	settlers      settlers
	calls         calls
}

// Wiring is how a [Wire] uses connections. What is said of heads, net/http does not do.
type Wiring struct {
	// NetHTTP chooses net/http.
	NetHTTP bool
	// Dial is the line's own unless it is set.
	Dial Dialer
	// Prime and Move are those of [h2post.Options].
	Prime bool
	Move  func(from, to *h2post.Head) *h2post.Head
	// IdleAfter is how long a connection is kept that nothing uses: 90 s.
	IdleAfter time.Duration
	// Tunnel goes through an HTTP proxy that the environment names with connections of its
	// own; else net/http does, which knows neither Prime nor Move.
	Tunnel bool
}

// NewWire makes a wire for l to the host of base, which connects nothing. netHTTP
// chooses net/http.
func NewWire(ctx context.Context, l *Line, base *url.URL, netHTTP bool) *Wire {
	return NewWireAs(ctx, l, base, Wiring{NetHTTP: netHTTP})
}

// NewWireBy is NewWire with a dialer of its own, such as one with a [Guard]. A proxy that
// the environment names is dialled by it, too.
func NewWireBy(ctx context.Context, l *Line, base *url.URL, netHTTP bool, dial Dialer) *Wire {
	return NewWireAs(ctx, l, base, Wiring{NetHTTP: netHTTP, Dial: dial})
}

// NewWireAs is NewWire for a provider that has wishes.
func NewWireAs(ctx context.Context, l *Line, base *url.URL, as Wiring) *Wire {
	dial := as.Dial
	if dial == nil {
		dial = l.Dial
	}
	w := WireOver(nil)
	dial = w.calls.dialBy(dial)
	plain := base.Scheme == "http"
	wait := cmp.Or(l.PingWait, pingWait)
	conns := NewConns(l.InFlight, plain, dial, wait)
	one := h2post.NewNetHTTP(ctx, base.Scheme+"://"+base.Host, l.Timeout, conns)
	through, direct := as.way(base, dial)
	if as.NetHTTP || plain || !direct {
		l.stay()
		w.first = one
		return w
	}
	authority := base.Host
	if base.Port() == "" {
		authority += ":443"
	}
	two := h2post.New(ctx, h2post.Options{
		Authority: authority, TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Dial: through,
		Conns: (l.Places() + streamsPerConn - 1) / streamsPerConn, StreamsPerConn: streamsPerConn,
		Queue: l.Places(), Repeats: repeats, Timeout: l.Timeout, DialTimeout: dialTimeout,
		PingAfter: pingAfter, PingWait: wait, IdleAfter: cmp.Or(as.IdleAfter, idleAfter),
		Prime: as.Prime, Move: as.Move,
	})
	w.first, w.second = two, one
	return w
}

// way is how h2post reaches base; false if it cannot.
func (as Wiring) way(base *url.URL, dial Dialer) (Dialer, bool) {
	proxy, err := httpproxy.FromEnvironment().ProxyFunc()(base)
	switch {
	case err != nil:
		return nil, false
	case proxy == nil:
		return dial, true
	case as.Tunnel:
		return tunnel(proxy, dial)
	}
	return nil, false
}

// HasProxy reports whether the environment names a proxy for base.
func HasProxy(base *url.URL) bool {
	proxy, err := httpproxy.FromEnvironment().ProxyFunc()(base)
	return proxy != nil || err != nil
}

// WireOver makes a wire of what posts.
func WireOver(p h2post.Poster) *Wire {
	w := &Wire{first: p}
	w.posts.New = func() any {
		made := &post{wire: w}
		made.req.Done = made.done
		return made
	}
	return w
}

// Request is what a [Wire] carries.
type Request interface {
	// Append appends the body to b.
	Append(b []byte) []byte
	// Claim says what came of it. The exchange is lent. It is false if the request will
	// be answered in another way. A panic is an answer.
	Claim(x Exchange) (Answer, bool)
}

// Particular is a [Request] with a path of its own, and header fields beside those of its
// head.
type Particular interface {
	// Particulars returns the path, and the fields appended to f.
	Particulars(f []h2post.Field) (path string, fields []h2post.Field)
}

// Send posts one request. Claim and answered are called by a goroutine of the wire's
// that settles what was answered in the same moment, one after the other.
func (w *Wire) Send(ctx context.Context, head *h2post.Head, r Request, answered func(Answer)) {
	p := w.posts.Get().(*post) //nolint:forcetypeassert // nothing else is in the pool
	p.request, p.answered = r, answered
	p.req.Head, p.req.Body = head, r.Append(p.req.Body[:0])
	p.req.Path, p.req.Fields = "", p.req.Fields[:0]
	if own, ok := r.(Particular); ok {
		p.req.Path, p.req.Fields = own.Particulars(p.req.Fields)
	}
	p.given.Store(false)
	p.watch(ctx)
	by := w.first
	if p.onSecond = w.second != nil && time.Now().UnixNano() < w.fallback.Load(); p.onSecond {
		by = w.second
	}
	p.postBy(by)
}

// Close ends the connections, when nothing is sent any more.
func (w *Wire) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell) //nolint:forbidigo // whatever else has ended
	defer cancel()
	_ = w.first.Close(ctx)
	if w.second != nil {
		_ = w.second.Close(ctx)
	}
	w.calls.HangUp()
}
