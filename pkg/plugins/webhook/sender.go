package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"github.com/pushworker/pushworker/pkg/plugins/internal/fanout"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// timeout bounds one request (Standard Webhooks: 15 to 30 s).
	timeout = 20 * time.Second
	// idleAfter closes connections that nothing uses.
	idleAfter = 90 * time.Second
	// maxHeader bounds the header of an answer.
	maxHeader = 16 << 10
)

// sender posts to one URL. Its methods are safe for concurrent use.
type sender struct {
	config    *Config
	line      *line.Line
	transport *http.Transport
}

// newSender connects nothing.
func newSender(c *Config) *sender {
	s := &sender{config: c, line: line.New(line.Options{
		Name: "webhook", InFlight: c.MaxInFlight, PerSecond: c.PerSecond, Timeout: timeout,
	})}
	s.transport = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            s.line.Dialer(c.guard()),
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        c.MaxInFlight,
		MaxIdleConnsPerHost:    c.MaxInFlight,
		IdleConnTimeout:        idleAfter,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // answers are short
	}
	return s
}

// guard refuses addresses that are not of the public internet, when a connection is
// made, so that no name can lead there later; nil when private ones are allowed, or when
// a proxy of the environment decides.
func (c *Config) guard() line.Guard {
	req, err := http.NewRequest(http.MethodPost, c.URL, nil) //nolint:noctx // it is only looked at
	if err != nil || c.AllowPrivate {
		return nil
	}
	if proxy, err := http.ProxyFromEnvironment(req); err != nil || proxy != nil {
		return nil
	}
	return ssrf.New(ssrf.WithAnyPort()).Safe
}

// close ends what newSender began, when nothing is sent any more.
func (s *sender) close() {
	s.transport.CloseIdleConnections()
	s.line.HangUp()
}

// state is [push.Stater]'s.
func (s *sender) state() push.State { return s.line.State(push.State{}) }

// post makes one request about r at most and returns what came back, and what it means.
func (s *sender) post(ctx context.Context, id string, r *push.Receipt, body []byte) (x line.Exchange, a line.Answer) {
	c := line.Call{Key: id, Do: func(ctx context.Context, answered func(line.Answer)) {
		line.Aside(func() line.Answer {
			x = s.exchange(ctx, id, r, body)
			return classify(x, time.Now())
		}, answered)
	}}
	by := r.Tracer()
	if by != nil {
		c.Note = new(line.Note)
	}
	a = s.line.Send(ctx, c)
	fanout.Requested(by, push.Request{Provider: provider}, c.Note, a)
	return x, a
}

// isPrintable reports whether a header can have what a publisher sent as its trace: of
// another value net/http makes no request.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}

// exchange makes one request. It signs at the last moment, because receivers refuse a
// time that is more than five minutes old.
func (s *sender) exchange(ctx context.Context, id string, r *push.Receipt, body []byte) line.Exchange {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL, bytes.NewReader(body))
	if err != nil {
		return line.Exchange{Err: fmt.Errorf("make the request: %w", err)}
	}
	now := time.Now()
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "pushworker")
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("Webhook-Signature", signatures(s.config.Secrets, id, now, body))
	if parent, state := r.Trace(); parent != "" && isPrintable(parent) {
		h.Set("Traceparent", parent)
		if state != "" && isPrintable(state) {
			h.Set("Tracestate", state)
		}
	}
	return line.Do(s.transport, req)
}
