package line

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Meter counts the connections to a provider and tells of its answers. Its zero value
// tells nobody.
type Meter struct {
	calls

	wants atomic.Pointer[push.Answered]
}

// Measure is [push.Metered]'s.
func (m *Meter) Measure(told push.Answered) { m.wants.Store(&told) }

// told tells of one answer.
func (m *Meter) told(a Answer, took time.Duration) {
	if told := m.wants.Load(); told != nil {
		(*told)(a.class(), took)
	}
}

// Guard says why a connection to an address must not be made, just before it is; see
// [net.Dialer.Control].
type Guard func(network, address string, c syscall.RawConn) error

// Dial opens a connection that is counted until it is closed.
func (m *Meter) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return m.Dialer(nil)(ctx, network, addr)
}

// Dialer is Dial with a guard.
func (m *Meter) Dialer(guard Guard) Dialer {
	return m.dialBy((&net.Dialer{Timeout: dialTimeout, Control: guard}).DialContext)
}
