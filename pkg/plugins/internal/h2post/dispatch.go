package h2post

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/net/http2"
)

// redial is how long nothing is dialled after a failure, while there is a connection; GOAWAY
// before any answer is one. After a connection that was made and lost with no answer on
// any meanwhile, or with no request, it is a tick.
const redial = time.Second

const (
	// many open requests are a reason to keep those together that go together: they are
	// one large write.
	many = 64
	// waryFor is how long after a connection was lost or silent they are spread evenly
	// nevertheless: that seldom happens once.
	waryFor = time.Minute
)

// share is how many requests a connection is given before the next one gets any. What is
// open on a connection when it is lost is in doubt, and may be sent twice.
func (c *Client) share() int {
	open := 0
	for _, cn := range c.conns {
		if !cn.draining && !cn.silent {
			open += cn.load()
		}
	}
	if open < many || c.wary {
		return 1 + open/c.o.Conns
	}
	return 2 * open / 3
}

// dispatch gives waiting requests to connections. While some are being made, none takes
// more than its share.
func (c *Client) dispatch() {
	for range c.missing() {
		c.dialing++
		c.ended.Go(c.connect)
	}
	for c.queue.first != nil {
		share := c.share()
		cn := c.pick(share)
		if cn == nil || c.dialing > 0 && cn.load() >= share {
			break
		}
		cn.assign(c.queue.pop())
	}
}

// pick returns the first connection that has not got its share, or the one with the
// fewest requests; nil if there is none with room.
func (c *Client) pick(share int) *conn {
	var least, silent *conn
	for _, cn := range c.conns {
		switch {
		case !cn.hasRoom():
		case cn.silent:
			silent = cn
		case cn.load() < share:
			return cn
		case least == nil || cn.load() < least.load():
			least = cn
		}
	}
	if least == nil && silent != nil && c.dialing == 0 {
		return silent // there is nothing better to be had
	}
	return least
}

// missing is how many connections are to be dialled: there is to be one for each request
// that is open or waits, up to [Options.Conns]. Of those that may be dead as many as half
// of that do not count, so that the others need not carry what is waiting.
func (c *Client) missing() int {
	live, silent := 0, 0
	for _, cn := range c.conns {
		switch {
		case cn.draining:
		case cn.silent:
			silent++
		default:
			live++
		}
	}
	n := min(c.open+c.queue.len-live, c.o.Conns-live-max(silent-c.o.Conns/2, 0)) - c.dialing
	if n <= 0 || c.closed || live+silent+c.dialing > 0 && time.Now().Before(c.redial) {
		return 0
	}
	return n
}

// connect makes a connection and serves it until its end.
func (c *Client) connect() {
	cn, err := c.dial()
	c.mu.Lock()
	c.dialing--
	if err != nil {
		c.noConnection(err, redial)
	} else {
		cn.made = c.answers
		c.conns = append(c.conns, cn)
		if c.closed {
			cn.drain()
		}
	}
	c.unlock()
	if err == nil {
		c.ended.Go(cn.write)
		cn.read()
	}
}

// noConnection tells those who wait that there is no connection to be had.
func (c *Client) noConnection(err error, pause time.Duration) {
	c.redial = time.Now().Add(pause)
	if c.dialing > 0 || slices.ContainsFunc(c.conns, func(cn *conn) bool { return !cn.draining }) {
		return
	}
	for r := c.queue.first; r != nil; r = c.queue.first {
		c.end(r, Unprocessed, err)
	}
}

// failed draws from the loss of a connection when others may be dialled.
func (cn *conn) failed() {
	switch c := cn.client; {
	case cn.made == c.answers:
		c.noConnection(lost(cn.why), tick)
	case cn.nextID == 1:
		c.redial = time.Now().Add(tick)
	}
}

// turnsAway reports whether the peer, which has said GOAWAY, has answered nothing on the
// connection and will not: it was made in vain.
func (cn *conn) turnsAway() bool {
	for id := range cn.streams {
		if id <= cn.lastID {
			return false
		}
	}
	return !cn.answered && !cn.leaving
}

func (c *Client) dial() (*conn, error) {
	ctx, cancel := context.WithTimeout(c.parent, c.o.DialTimeout)
	defer cancel()
	raw, err := c.o.Dial(ctx, "tcp", c.o.Authority)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.o.Authority, err)
	}
	// From here on the deadline is the connection's: c.stop must not wait for it.
	defer context.AfterFunc(c.parent, func() { _ = raw.SetDeadline(time.Now()) })()
	cn, err := c.greet(raw)
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("connect to %s: %w", c.o.Authority, err)
	}
	return cn, nil
}

// greet agrees on TLS and HTTP/2, and waits for the peer's settings: no request is
// sent before it is known how many may be open.
func (c *Client) greet(raw net.Conn) (*conn, error) {
	if err := raw.SetDeadline(time.Now().Add(c.o.DialTimeout)); err != nil {
		return nil, err //nolint:wrapcheck // dial says what was done
	}
	cn := newConn(c, raw)
	if c.o.TLS != nil {
		if err := cn.handshake(c.parent); err != nil {
			return nil, err
		}
	}
	if err := cn.preface(); err != nil {
		return nil, err
	}
	return cn, raw.SetDeadline(time.Time{}) //nolint:wrapcheck // dial says what was done
}

func (cn *conn) handshake(ctx context.Context) error {
	config := cn.client.o.TLS.Clone()
	config.NextProtos = []string{http2.NextProtoTLS, "http/1.1"} // a server that has only the latter says so
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(cn.client.o.Authority)
	}
	t := tls.Client(cn.raw, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return err //nolint:wrapcheck // dial says what was done
	}
	if p := t.ConnectionState().NegotiatedProtocol; p != http2.NextProtoTLS {
		return fmt.Errorf("%w (ALPN %q)", ErrNoHTTP2, p)
	}
	cn.net = t
	return nil
}
