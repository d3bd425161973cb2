package h2post

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// Options are how a client connects, and how much it holds. Zero values mean what
// is written with them.
type Options struct {
	// Authority is whom to ask, as host:port.
	Authority string
	// TLS is how; nil means HTTP/2 without TLS.
	TLS *tls.Config
	// Dial opens a connection; a [net.Dialer]'s.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Conns is how many connections there are at most, beside at most half as many that are
	// silent: 8.
	Conns int
	// StreamsPerConn is how many requests share one at most, if the peer allows so
	// many: 90, because most servers allow 100.
	StreamsPerConn int
	// Queue is how many requests may wait for a connection: 10,000.
	Queue int
	// Repeats is how often a request that the peer has not processed is sent again, in
	// silence: 0.
	Repeats int
	// Timeout is how long a request that has no deadline waits for its answer: 15 s.
	Timeout time.Duration
	// DialTimeout is how long it may take to connect, and again to agree on TLS and
	// HTTP/2: 5 s.
	DialTimeout time.Duration
	// PingAfter and PingWait find a connection that is dead without a word. After so
	// much silence while requests are open it is pinged: 1 s. When there is still
	// silence, it is closed: 3 s.
	PingAfter, PingWait time.Duration
	// WriteTimeout is how long the peer may take nothing of what is written: 10 s.
	WriteTimeout time.Duration
	// IdleAfter is after how long without a request a connection is closed: 90 s.
	IdleAfter time.Duration
	// Prime has a connection carry one request at a time until one was answered with
	// success, whatever the peer's settings allow before.
	Prime bool
	// Move says with which head a connection goes on that has had from and is to carry a
	// request with to: one of both, or nil if the request needs another connection. It must
	// not block. nil is to.
	Move func(from, to *Head) *Head
}

func (o *Options) defaults() {
	o.Conns = cmp.Or(o.Conns, 8)
	o.StreamsPerConn = cmp.Or(o.StreamsPerConn, 90)
	o.Queue = cmp.Or(o.Queue, 10_000)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.DialTimeout = cmp.Or(o.DialTimeout, 5*time.Second)
	o.PingAfter = cmp.Or(o.PingAfter, time.Second)
	o.PingWait = cmp.Or(o.PingWait, 3*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.IdleAfter = cmp.Or(o.IdleAfter, 90*time.Second)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
}

// Poster posts requests.
type Poster interface {
	// Post never blocks, and calls Done of r once.
	Post(r *Request)
	// Cancel completes r if it is not yet: as unprocessed, or else as in doubt. r must
	// not be in use for another request by now.
	Cancel(r *Request)
	// Close lets no new request in, and waits for the answers to those that are open,
	// until ctx ends. Those that wait are completed as unprocessed.
	Close(ctx context.Context) error
}

// Client posts over HTTP/2 connections of its own. Its methods are safe for
// concurrent use.
type Client struct {
	o      Options
	parent context.Context //nolint:containedctx // of dialling, which no request owns
	stop   context.CancelFunc
	ended  sync.WaitGroup // all goroutines

	mu      sync.Mutex
	closed  bool
	queue   list
	done    list // completed, and to be told so by whoever unlocks
	conns   []*conn
	open    int // requests that have a connection
	dialing int
	redial  time.Time // until when nothing is dialled, while there is a connection
	answers uint64    // that have come
	wary    bool      // connections were lost, or are silent
	loss    time.Time // when that was last
	timer   *time.Timer
	pace    pace
}

var _ Poster = (*Client)(nil)

// New makes a client, which connects nothing yet. ctx is for its connections; when it
// ends, no new one is made.
func New(ctx context.Context, o Options) *Client {
	o.defaults()
	c := &Client{o: o}
	c.parent, c.stop = context.WithCancel(ctx)
	return c
}

// Post implements [Poster].
func (c *Client) Post(r *Request) {
	now := time.Now()
	c.mu.Lock()
	defer c.unlock()
	r.reset(now, c.o.Timeout)
	switch {
	case c.closed:
		c.end(r, Unprocessed, ErrClosed)
	case c.queue.len >= c.o.Queue:
		c.end(r, Unprocessed, ErrBusy)
	case !r.valid():
		c.end(r, Unprocessed, ErrBadField)
	default:
		c.queue.pushBack(r)
	}
}

// Cancel implements [Poster].
func (c *Client) Cancel(r *Request) {
	c.mu.Lock()
	defer c.unlock()
	switch {
	case r.in == &c.done || r.in == nil && r.conn == nil: // completed
	case r.conn != nil && r.flight.id != 0:
		r.conn.abandon(r, InDoubt, ErrCanceled)
	default:
		c.end(r, Unprocessed, ErrCanceled)
	}
}

// Close implements [Poster].
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.stop()
	for _, cn := range c.conns {
		cn.drain()
	}
	for r := c.queue.first; r != nil; r = c.queue.first {
		c.end(r, Unprocessed, ErrClosed)
	}
	c.unlock()
	cut := context.AfterFunc(ctx, c.cut)
	defer cut()
	c.ended.Wait()
	c.rest()
	return ctx.Err() //nolint:wrapcheck // the caller's own
}

// cut ends the connections, whatever is open.
func (c *Client) cut() {
	c.mu.Lock()
	defer c.unlock()
	for _, cn := range c.conns {
		cn.kill(ErrClosed)
	}
}

// end completes r.
func (c *Client) end(r *Request, o Outcome, err error) {
	c.detach(r)
	r.answer.Outcome, r.answer.Err = o, err
	if o != Answered {
		r.answer.Status = 0
	}
	c.done.pushBack(r)
}

// again repeats a request that the peer has not processed, or completes it.
func (c *Client) again(r *Request, err error) {
	if r.repeats++; r.repeats > c.o.Repeats {
		c.end(r, Unprocessed, err)
		return
	}
	c.requeue(r, err)
}

// requeue repeats a request that was on its way over a connection that has ended in
// order. It does not count where the connection has answered others: a peer that ends
// each connection after some requests takes all of them in time.
func (c *Client) requeue(r *Request, err error) {
	if c.closed {
		c.end(r, Unprocessed, err)
		return
	}
	c.detach(r)
	r.renew()
	c.queue.pushFront(r)
}

func (c *Client) detach(r *Request) {
	r.leave()
	if r.conn != nil {
		r.conn.forget(r)
	}
}

// unlock gives waiting requests to connections that have room by now, and tells who
// is completed.
func (c *Client) unlock() {
	c.dispatch()
	c.arm()
	if c.done.len == 0 {
		c.mu.Unlock()
		return
	}
	r := c.done.first
	for it := r; it != nil; it = it.next {
		it.in = nil
	}
	c.done = list{}
	c.mu.Unlock()
	for r != nil {
		next := r.next
		r.next, r.prev = nil, nil
		r.Done(&r.answer)
		r = next
	}
}
