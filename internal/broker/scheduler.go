package broker

import (
	"context"
	"errors"

	"github.com/pushworker/pushworker/internal/consumer"
)

// Scheduler stores retries in the retry stream, where they wait for their time.
type Scheduler struct{}

var _ consumer.Scheduler = (*Scheduler)(nil)

// Scheduler returns the scheduler of t's retry stream.
func (c *Conn) Scheduler(t Topology) *Scheduler { return &Scheduler{} }

// Schedule implements [consumer.Scheduler]. It waits for the broker's
// confirmation until ctx ends, at most five seconds. Call it from as many
// goroutines as there are retries to store.
func (s *Scheduler) Schedule(ctx context.Context, r consumer.Retry) error {
	return errors.New("not built yet")
}
