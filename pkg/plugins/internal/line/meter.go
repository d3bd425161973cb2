package line

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Meter counts the connections to a provider and tells of its answers. Its zero value
// tells nobody.
type Meter struct {
	wants atomic.Pointer[push.Answered]
	open  atomic.Int64
	conns sync.Map // of *counted, those that are open
}

// Measure is [push.Metered]'s.
func (m *Meter) Measure(told push.Answered) { m.wants.Store(&told) }

// told tells of one answer.
func (m *Meter) told(a Answer, took time.Duration) {
	if told := m.wants.Load(); told != nil {
		(*told)(a.class(), took)
	}
}

// Connections counts those that are open.
func (m *Meter) Connections() int { return int(m.open.Load()) }

// Guard says why a connection to an address must not be made, just before it is; see
// [net.Dialer.Control].
type Guard func(network, address string, c syscall.RawConn) error

// Dial opens a connection that is counted until it is closed.
func (m *Meter) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return m.Dialer(nil)(ctx, network, addr)
}

// Dialer is Dial with a guard.
func (m *Meter) Dialer(guard Guard) Dialer {
	d := &net.Dialer{Timeout: dialTimeout, Control: guard}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err //nolint:wrapcheck // a dialer passes errors on
		}
		m.open.Add(1)
		made := &counted{Conn: c}
		made.gone = sync.OnceFunc(func() { m.open.Add(-1); m.conns.Delete(made) })
		m.conns.Store(made, nil)
		return made, nil
	}
}

// HangUp closes the connections that are open, when nothing is sent any more: net/http
// keeps one on which a request was given up just now.
func (m *Meter) HangUp() {
	m.conns.Range(func(open, _ any) bool {
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
