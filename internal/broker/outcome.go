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
func (c *Conn) ProvisionEvents(ctx context.Context, t Topology) ([]Difference, error) {
	want := t.events()
	return c.provisionStream(ctx, wantedStream{
		object: "stream " + want.Name, config: want,
		settings:  reliedOn("retention", "sealed", "subjects", "discard", "replicas", "allow_direct"),
		otherwise: "remove it with `nats stream rm " + want.Name + "`, which forgets what was recorded, and start again",
	})
}

// FindEvents returns nil if there is a stream of events, or an error, which wraps
// [ErrNoEvents] if there is none.
func (c *Conn) FindEvents(ctx context.Context, t Topology) error {
	_, err := c.streamInfo(ctx, t.EventsStream())
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %s is made by a worker with PUSHWORKER_PROVISION=true and PUSHWORKER_EVENTS=failures or all", ErrNoEvents, t.EventsStream())
	case err != nil:
		return fmt.Errorf("looking for stream %s: %w", t.EventsStream(), err)
	}
	return nil
}

// PublishEvents publishes events of one handler, each a line of JSON, and waits for
// nobody: whether the broker has them is not known. Without a connection it
// publishes nothing, because what waits for one is to be left to acks.
func (c *Conn) PublishEvents(handler string, events []byte) error {
	return c.publishEvents(outcomePrefix+handler, events)
}

// PublishBrief is PublishEvents for a brief message.
func (c *Conn) PublishBrief(handler string, brief []byte) error {
	return c.publishEvents(acceptedPrefix+handler, brief)
}

func (c *Conn) publishEvents(subject string, events []byte) error {
	if !c.Connected() {
		return errNotSent
	}
	if err := c.nc.Publish(subject, events); err != nil {
		return fmt.Errorf("publishing events: %w", err)
	}
	return nil
}
