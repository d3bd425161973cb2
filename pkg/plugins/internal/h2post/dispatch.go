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

const (
	// few requests may all be on one connection. Of more, only two thirds may, if there
	// is another: no more are hit when it is lost.
	few = 32
	// redial is how long nothing is dialled after a failure, while there is a connection.
	redial = time.Second
)

// dispatch gives waiting requests to connections that have room: to the first one,
// because few connections mean few and large writes.
func (c *Client) dispatch() {
	for c.queue.first != nil {
		cn := c.pick()
		if cn == nil {
			break
		}
		cn.assign(c.queue.pop())
	}
	if c.queue.len > 0 || c.open > few {
		c.grow(time.Now())
	}
}

func (c *Client) pick() *conn {
	var crowded *conn
	for _, cn := range c.conns {
		switch {
		case !cn.hasRoom():
		case c.open < few || 3*cn.load() < 2*c.open:
			return cn
		case crowded == nil:
			crowded = cn
		}
	}
	return crowded
}

// grow dials as many connections as the requests need that are open or wait.
func (c *Client) grow(now time.Time) {
	live := 0
	for _, cn := range c.conns {
		if !cn.draining {
			live++
		}
	}
	n := c.open + c.queue.len
	need := (n + c.o.StreamsPerConn - 1) / c.o.StreamsPerConn
	if n > few {
		need = max(need, 2)
	}
	need = min(need, c.o.Conns)
	if c.closed || live > 0 && now.Sub(c.failed) < redial {
		return
	}
	for ; live+c.dialing < need; c.dialing++ {
		c.ended.Go(c.connect)
	}
}

// connect makes a connection and serves it until its end.
func (c *Client) connect() {
	cn, err := c.dial()
	c.mu.Lock()
	c.dialing--
	switch {
	case err != nil:
		c.noConnection(err)
	case c.closed:
		c.conns = append(c.conns, cn)
		cn.drain()
	default:
		c.conns = append(c.conns, cn)
	}
	c.unlock()
	if err == nil {
		c.ended.Go(cn.write)
		cn.read()
	}
}

// noConnection tells those who wait that there is no connection to be had.
func (c *Client) noConnection(err error) {
	c.failed = time.Now()
	if c.dialing > 0 || slices.ContainsFunc(c.conns, func(cn *conn) bool { return !cn.draining }) {
		return
	}
	for r := c.queue.first; r != nil; r = c.queue.first {
		c.end(r, Unprocessed, err)
	}
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
