package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoEvents says that there is no stream of events.
var ErrNoEvents = errors.New("there is no stream of events")

var errNotSent = errors.New("there is no connection to the broker")

// ProvisionEvents creates the stream of events if it is missing, updates in place
// what may be updated, and returns every difference it found, as [Conn.Provision]
// does for the other streams. Its limits, 256 MiB and 72 h at first, are the
// operator's.
func ProvisionEvents(ctx context.Context, c *Conn, t Topology) ([]Difference, error) {
	return t.Events().Provision(ctx, c)
}

// FindEvents returns nil if there is a stream of events, or an error, which wraps
// [ErrNoEvents] if there is none.
func FindEvents(ctx context.Context, c *Conn, t Topology) error {
	_, err := c.StreamInfo(ctx, t.EventsStream())
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %s is made by a worker with PUSHWORKER_PROVISION=true and PUSHWORKER_EVENTS=failures or all", ErrNoEvents, t.EventsStream())
	case err != nil:
		return fmt.Errorf("looking for stream %s: %w", t.EventsStream(), err)
	}
	return nil
}

// EventPublisher publishes events.
type EventPublisher struct{ conn *Conn }

// NewEventPublisher returns what publishes events on c.
func NewEventPublisher(c *Conn) EventPublisher { return EventPublisher{c} }

// PublishEvents publishes events of one handler, each a line of JSON, and waits for
// nobody: whether the broker has them is not known. Without a connection it
// publishes nothing, because what waits for one is to be left to acks.
func (p EventPublisher) PublishEvents(handler string, events []byte) error {
	return p.publishEvents(outcomePrefix+handler, events)
}

// PublishBrief is PublishEvents for a brief message.
func (p EventPublisher) PublishBrief(handler string, brief []byte) error {
	return p.publishEvents(acceptedPrefix+handler, brief)
}

func (p EventPublisher) publishEvents(subject string, events []byte) error {
	if !p.conn.Connected() {
		return errNotSent
	}
	if err := p.conn.NATS().Publish(subject, events); err != nil {
		return fmt.Errorf("publishing events: %w", err)
	}
	return nil
}
