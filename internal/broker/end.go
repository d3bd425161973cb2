package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// dial is nats.Connect, which waits for each of its servers in turn, and does not
// look at a context.
func dial(ctx context.Context, url string, opts []nats.Option) (*nats.Conn, error) {
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		nc, err := nats.Connect(url, opts...)
		done <- result{nc, err}
	}()
	select {
	case r := <-done:
		return r.nc, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.nc != nil {
				r.nc.Close()
			}
		}()
		return nil, fmt.Errorf("%w (%w)", nats.ErrNoServers, context.Cause(ctx))
	}
}

// EndAfter has everything that waits for the broker give up d after ctx has ended:
// questions, publishes that wait for a confirmation, and Close.
func (c *Conn) EndAfter(ctx context.Context, d time.Duration) {
	context.AfterFunc(ctx, func() {
		late := time.AfterFunc(d, c.end)
		<-c.over.Done()
		late.Stop()
	})
}

// Over ends when nothing may wait for the broker any more; see [Conn.EndAfter].
func (c *Conn) Over() <-chan struct{} { return c.over.Done() }

// Bound returns a context that ends with ctx, after limit, and when nothing may wait for
// the broker any more.
func (c *Conn) Bound(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	forget := context.AfterFunc(c.over, cancel)
	return ctx, func() {
		forget()
		cancel()
	}
}

// Flush waits until the broker has confirmed everything that was sent, at most so long.
func (c *Conn) Flush(limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- c.nc.FlushTimeout(limit) }()
	select {
	case err := <-done:
		return err
	case <-c.over.Done():
		return nats.ErrTimeout
	}
}

// Close sends what is buffered and closes the connection. It takes at most five seconds,
// and less after [Conn.EndAfter]. Sources must have returned from Pull before. It may be called
// more than once.
func (c *Conn) Close() {
	if c.closing.Swap(true) {
		<-c.over.Done()
		return
	}
	defer c.end()
	late := time.AfterFunc(c.closeLimit, c.end)
	defer late.Stop()
	go c.drain()
	select {
	case <-c.closed:
		return
	case <-c.over.Done():
	}
	go c.nc.Close() // waits for an attempt to connect
	abandon := time.NewTimer(abandonAfter)
	defer abandon.Stop()
	select {
	case <-c.closed:
	case <-abandon.C:
	}
}

// drain has the broker confirm what was sent, and begins to close.
func (c *Conn) drain() {
	c.flushed.Store(c.nc.IsConnected() && c.Flush(c.closeLimit) == nil)
	if err := c.nc.Drain(); err != nil {
		c.nc.Close()
	}
}

// Flushed reports whether the broker had everything when Close began. If not, it may
// redeliver what was acknowledged.
func (c *Conn) Flushed() bool { return c.flushed.Load() }
