package line

import (
	"cmp"
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// calls are connections that are open. Its zero value has none.
type calls struct {
	open  atomic.Int64
	conns sync.Map // of *counted
	ended atomic.Bool
}

// Connections counts those that are open.
func (c *calls) Connections() int { return int(c.open.Load()) }

// dialBy opens connections with dial, which are among the calls until they are closed.
func (c *calls) dialBy(dial Dialer) Dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		made := &counted{Conn: conn}
		c.open.Add(1)
		made.gone = sync.OnceFunc(func() { c.open.Add(-1); c.conns.Delete(made) })
		c.conns.Store(made, nil)
		if c.ended.Load() {
			return nil, cmp.Or(made.Close(), net.ErrClosed)
		}
		return made, nil
	}
}

// HangUp closes the connections that are open, now and when one is made, since nothing is
// sent any more. net/http keeps a connection on which a request was given up just now, or
// that was made for a request that had been given up.
func (c *calls) HangUp() {
	c.ended.Store(true)
	c.conns.Range(func(open, _ any) bool {
		_ = open.(*counted).Close() //nolint:forcetypeassert // nothing else is in the map
		return true
	})
}

// counted is a connection that is counted.
type counted struct {
	net.Conn
	gone func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.gone()
	return c.Conn.Close() //nolint:wrapcheck // a connection passes errors on
}
