// Package letters reads the dead-letter stream for operators, removes letters and sends
// them back to their lanes. It writes none: that is the queue's.
package letters

import (
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Letters is the dead-letter stream.
type Letters struct {
	conn   *broker.Conn
	stream string
}

// New returns the letters of t's dead-letter stream.
func New(c *broker.Conn, t topology.Topology) *Letters {
	return &Letters{conn: c, stream: t.DeadStream()}
}
