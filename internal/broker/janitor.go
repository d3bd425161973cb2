package broker

import (
	"context"
	"time"

	"github.com/rs/zerolog"
)

// Janitor keeps room in the stream of receipts: when handled history fills it,
// the janitor trims it, never beyond what every durable has settled. Any number
// of processes may run one.
type Janitor struct{}

// Janitor returns the janitor of t's stream of receipts, looking every interval;
// 0 means 30 s.
func (c *Conn) Janitor(t Topology, every time.Duration, log zerolog.Logger) *Janitor {
	return &Janitor{}
}

// Run looks and trims until ctx ends, and returns nil.
func (j *Janitor) Run(ctx context.Context) error { return nil }
