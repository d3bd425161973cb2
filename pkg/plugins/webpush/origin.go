package webpush

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"code.dny.dev/ssrf"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

const (
	// maxOrigins bounds how many servers are remembered, with their brakes and connections;
	// the one that was asked longest ago is forgotten.
	maxOrigins = 4096
	// connsPerOrigin and idleConns bound the connections to servers that only "*" admits:
	// those to one, and those that nothing uses, to all together.
	connsPerOrigin, idleConns = 8, 256
	// idleAfter closes connections to them that nothing uses.
	idleAfter = 30 * time.Second
	// maxHeader and maxAnswer bound the header and the body of their answers: those that
	// mean something have a few hundred bytes.
	maxHeader, maxAnswer = 16 << 10, 4 << 10
)

// origin is a push server: its brakes, its connections, and what it is shown.
type origin struct {
	heads

	name   string
	vendor vendor
	group  *line.Group
	wire   *line.Wire
}

// origins are the push servers. A server that the config names has HTTP/2 connections of
// its own, as many as its requests need. All others share one net/http transport with few.
type origins struct {
	ctx    context.Context //nolint:containedctx // of connections, which no request owns
	config *Config
	line   *line.Line
	guard  line.Guard
	open   *http.Transport

	mu    sync.Mutex // held while one is made
	known *lru.Cache[string, *origin]
	ended sync.WaitGroup
}

func newOrigins(ctx context.Context, c *Config, l *line.Line) *origins {
	o := &origins{ctx: ctx, config: c, line: l, guard: c.guard()}
	o.known, _ = lru.NewWithEvict(maxOrigins, func(_ string, old *origin) { // fails for a size of 0 only
		o.ended.Go(old.wire.Close)
	})
	o.open = &http.Transport{
		DialContext:            l.Dialer(o.guard), // no proxy: it would connect for us, unguarded
		TLSHandshakeTimeout:    timeout,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        connsPerOrigin,
		MaxIdleConnsPerHost:    1,
		MaxIdleConns:           idleConns,
		IdleConnTimeout:        idleAfter,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // answers are short
	}
	return o
}

// guard refuses addresses that are not of the public internet, when a connection is made,
// so that no name can lead there later.
func (c *Config) guard() line.Guard {
	var four, six []netip.Prefix
	for _, p := range c.private {
		if p.Addr().Is4() {
			four = append(four, p)
		} else {
			six = append(six, p)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(four...), ssrf.WithAllowedV6Prefixes(six...)).Safe
}

// get is the origin of that name, scheme://host:port.
func (o *origins) get(name string) *origin {
	if known, ok := o.known.Get(name); ok {
		return known
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.known.Get(name); ok {
		return known
	}
	made := o.make(name)
	o.known.Add(name, made)
	return made
}

func (o *origins) make(name string) *origin {
	made := &origin{name: name, heads: heads{make([]atomic.Pointer[head], len(o.config.VAPID))}}
	base, err := url.Parse(name)
	if err != nil { // a subscription's is one
		base = &url.URL{Scheme: "https", Host: deadHost}
	}
	made.vendor = vendorOf(base.Hostname())
	if o.config.named(base) == nil {
		made.group = line.NewGroup(name, o.config.PerOrigin)
		made.wire = line.WireOver(h2post.NewNetHTTP(o.ctx, name, timeout, shared{o.open}))
		return made
	}
	dial := o.line.Dialer(o.guard)
	if line.HasProxy(base) {
		dial = o.line.Dial // the proxy decides
	}
	made.group = line.NewGroup(name, 0)
	made.wire = line.NewWireBy(o.ctx, o.line, base, false, dial)
	return made
}

// close ends the connections, when nothing is sent any more.
func (o *origins) close() {
	o.known.Purge()
	o.ended.Wait()
	o.open.CloseIdleConnections()
	o.line.HangUp()
}

// shared is a transport that other origins use, too, so that none ends its connections. Of
// an answer it reads maxAnswer.
type shared struct{ by *http.Transport }

// RoundTrip implements [http.RoundTripper].
func (s shared) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.by.RoundTrip(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // a RoundTripper passes errors on
	}
	body := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, maxAnswer), body}
	return resp, nil
}

// vendor is whose push server it is, which decides how its answers are read.
type vendor uint8

const (
	other vendor = iota
	google
	apple
	mozilla
	microsoft
)

func vendorOf(host string) vendor {
	switch {
	case host == "fcm.googleapis.com", host == "jmt17.google.com":
		return google
	case strings.HasSuffix(host, ".push.apple.com"):
		return apple
	case strings.HasSuffix(host, ".push.services.mozilla.com"):
		return mozilla
	case strings.HasSuffix(host, ".notify.windows.com"):
		return microsoft
	}
	return other
}
