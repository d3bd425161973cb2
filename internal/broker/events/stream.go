// Package events is the stream of what became of receipts: made, published to and read.
// It is no promise, and nothing depends on it.
package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

// ErrNoStream says that there is no stream of events.
var ErrNoStream = errors.New("there is no stream of events")

var errNotSent = errors.New("there is no connection to the broker")

// Provision creates the stream of events if it is missing, updates in place
// what may be updated, and returns every difference it found, as [topology.Provision]
// does for the other streams. Its limits, 256 MiB and 72 h at first, are the
// operator's.
func Provision(ctx context.Context, c *broker.Conn, t topology.Topology) ([]topology.Difference, error) {
	return t.Events().Provision(ctx, c)
}

// Find returns nil if there is a stream of events, or an error, which wraps
// [ErrNoStream] if there is none.
func Find(ctx context.Context, c *broker.Conn, t topology.Topology) error {
	_, err := c.StreamInfo(ctx, t.EventsStream())
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %s is made by a worker with PUSHWORKER_PROVISION=true and PUSHWORKER_EVENTS=failures or all", ErrNoStream, t.EventsStream())
	case err != nil:
		return fmt.Errorf("looking for stream %s: %w", t.EventsStream(), err)
	}
	return nil
}

// Publisher publishes events.
type Publisher struct{ conn *broker.Conn }

// NewPublisher returns what publishes events on c.
func NewPublisher(c *broker.Conn) Publisher { return Publisher{c} }

// Publish publishes events of one handler, each a line of JSON, and waits for
// nobody: whether the broker has them is not known. Without a connection it
// publishes nothing, because what waits for one is to be left to acks.
func (p Publisher) Publish(handler string, events []byte) error {
	return p.publish(wire.OutcomePrefix+handler, events)
}

// PublishBrief is PublishEvents for a brief message.
func (p Publisher) PublishBrief(handler string, brief []byte) error {
	return p.publish(wire.AcceptedPrefix+handler, brief)
}

func (p Publisher) publish(subject string, events []byte) error {
	if !p.conn.Connected() {
		return errNotSent
	}
	if err := p.conn.NATS().Publish(subject, events); err != nil {
		return fmt.Errorf("publishing events: %w", err)
	}
	return nil
}
