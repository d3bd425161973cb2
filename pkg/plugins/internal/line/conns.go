package line

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// streamsPerConn keeps each connection below the 100 streams that providers announce.
	// At the limit Go's client dials a connection per waiting request, and its
	// StrictMaxConcurrentRequests deadlocks (golang/go issue 70809).
	streamsPerConn = 90
	// pingAfter and pingWait find a connection that is dead without a word: after so
	// much silence it is pinged, and closed when no answer comes. Together they are
	// how long a half-open connection may hold its requests; most of it is the wait,
	// because closing a connection that was only slow repeats all of its requests.
	pingAfter, pingWait = time.Second, 3 * time.Second
	// idleAfter closes connections that nothing uses, which also ends their pings.
	idleAfter = 90 * time.Second
	// dialTimeout bounds the making of a connection.
	dialTimeout = 5 * time.Second
	// maxAnswer is as much of an answer as is read; most have a few hundred bytes.
	maxAnswer = 64 << 10
)

// Dialer opens a connection.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Conns spreads requests over connections of net/http. Each has a transport of its own, which
// dials one connection at a time, and slots for streamsPerConn requests. That also
// keeps a cold start from dialling a connection per request.
type Conns struct {
	free  chan *http.Transport // an entry per free slot
	all   []*http.Transport
	plain *plain // nil for https:// endpoints
}

// NewConns makes a pool for inFlight requests at once. without says that there is no
// TLS, for http:// endpoints. A connection that does not answer a ping for wait is closed.
func NewConns(inFlight int, without bool, dial Dialer, wait time.Duration) *Conns {
	c := &Conns{free: make(chan *http.Transport, inFlight)} // room for every slot
	if without {
		c.plain = newPlain(inFlight, dial, wait)
	}
	for left := inFlight; left > 0; left -= streamsPerConn {
		c.all = append(c.all, newTransport(without, dial, wait))
	}
	for i := range inFlight {
		c.free <- c.all[i%len(c.all)]
	}
	return c
}

func newTransport(without bool, dial Dialer, wait time.Duration) *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dial,
		TLSHandshakeTimeout: 10 * time.Second,
		DisableCompression:  true, // answers have 60 bytes
		MaxConnsPerHost:     1,
		IdleConnTimeout:     idleAfter,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: pingAfter, PingTimeout: wait, WriteByteTimeout: 10 * time.Second,
		},
		Protocols: new(http.Protocols),
	}
	t.Protocols.SetHTTP1(!without)
	t.Protocols.SetHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(without)
	return t
}

// RoundTrip implements [http.RoundTripper]. The answer's body has been read, so
// the slot is free again when it returns.
func (c *Conns) RoundTrip(req *http.Request) (*http.Response, error) {
	var t *http.Transport
	select {
	case t = <-c.free:
	case <-req.Context().Done():
		return nil, fmt.Errorf("wait for a connection: %w", req.Context().Err())
	}
	defer func() { c.free <- t }()
	resp, err := c.ask(t, req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = cmp.Or(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (c *Conns) ask(t *http.Transport, req *http.Request) (*http.Response, error) {
	if c.plain != nil {
		return c.plain.ask(t, req)
	}
	return t.RoundTrip(req) //nolint:wrapcheck // a RoundTripper passes errors on
}

// CloseIdleConnections closes the idle connections, which all are when nothing is
// sent any more.
func (c *Conns) CloseIdleConnections() {
	for _, t := range c.all {
		t.CloseIdleConnections()
	}
	if c.plain != nil {
		c.plain.one.CloseIdleConnections()
	}
}
