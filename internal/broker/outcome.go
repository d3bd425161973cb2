package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	object := "stream " + want.Name
	info, err := c.streamInfo(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = c.request(ctx, "$JS.API.STREAM.CREATE."+want.Name, func(ctx context.Context) error {
			_, err := c.js.CreateStream(ctx, want)
			return err
		})
		if err == nil {
			return []Difference{{Object: object, Have: "none", Want: want.Description, Mended: true}}, nil
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			info, err = c.streamInfo(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("provisioning %s: %w%s", object, err, c.remedy(ctx, want, err))
	}
	return c.mendEvents(ctx, info.Config, want)
}

// mendEvents updates what differs and may be updated.
func (c *Conn) mendEvents(ctx context.Context, have, want jetstream.StreamConfig) ([]Difference, error) {
	diffs, err := mend("stream "+want.Name, eventsSettings(), &have, &want, nil)
	if err != nil {
		return unmended(diffs), fmt.Errorf("%w: remove it with `nats stream rm %s`, which forgets what was recorded, and start again", err, want.Name)
	}
	if !anyMended(diffs) {
		return diffs, nil
	}
	err = c.request(ctx, "$JS.API.STREAM.UPDATE."+want.Name, func(ctx context.Context) error {
		_, err := c.js.UpdateStream(ctx, have)
		return err
	})
	if err != nil {
		return unmended(diffs), fmt.Errorf("updating stream %s: %w%s", want.Name, err, c.remedy(ctx, want, err))
	}
	return diffs, nil
}

// eventsSettings are those of streamSettings that events rely on.
func eventsSettings() []setting[jetstream.StreamConfig] {
	relied := []string{"retention", "sealed", "subjects", "discard", "replicas", "allow_direct"}
	return slices.DeleteFunc(streamSettings(), func(s setting[jetstream.StreamConfig]) bool {
		return !slices.Contains(relied, s.field)
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
	if !c.Connected() {
		return errNotSent
	}
	if err := c.nc.Publish(outcomePrefix+handler, events); err != nil {
		return fmt.Errorf("publishing events: %w", err)
	}
	return nil
}
