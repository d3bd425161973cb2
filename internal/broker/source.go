package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/consumer"
)

// Lane holds the sources of one handler.
type Lane struct {
	// Fresh has receipts as they were published, Retries those whose time has come
	// again, Suspects those that may be killing processes: over all processes, one
	// suspect at a time is delivered.
	Fresh, Retries, Suspects *Source
}

// Lane binds the durables of one handler. It asks for nothing but their
// CONSUMER.INFO; something missing is an error that says what to do.
func (c *Conn) Lane(ctx context.Context, t Topology, handler string) (Lane, error) {
	var sources [3]*Source
	for i, d := range t.durables(handler) {
		info, err := c.consumerInfo(ctx, d.stream, d.config.Durable)
		if err != nil {
			return Lane{}, fmt.Errorf("binding to %s: %w%s", d, err, d.remedy(err))
		}
		sources[i] = &Source{
			conn: c, durable: d, created: info.Created, retried: i > 0, alone: i == 2,
			next: "$JS.API.CONSUMER.MSG.NEXT." + d.stream + "." + d.config.Durable,
		}
	}
	return Lane{Fresh: sources[0], Retries: sources[1], Suspects: sources[2]}, nil
}

// Source is one durable of one stream.
type Source struct {
	conn    *Conn
	durable durable
	created time.Time // tells a recreated durable from the one we bound to
	retried bool      // its messages are retries, with the headers of one
	alone   bool      // its messages are delivered one at a time
	next    string    // the subject that takes pull requests
}

var _ consumer.Source = (*Source)(nil)

// check asks whether the durable still exists and is the one we bound to. It
// returns nil when ctx has ended or there is no connection to ask through, since
// a reconnect checks again; another error that does not wrap
// [consumer.ErrSourceGone] says nothing about the durable.
func (s *Source) check(ctx context.Context) error {
	info, err := s.info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %s was deleted: start again to provision it anew, and replay what it missed", consumer.ErrSourceGone, s.durable)
	case err != nil && (ctx.Err() != nil || !s.conn.Connected()):
		return nil //nolint:nilerr // see above
	case err != nil:
		return fmt.Errorf("checking %s: %w", s.durable, err)
	case !info.Created.Equal(s.created):
		return fmt.Errorf("%w: %s was deleted and made anew at %s: start again to bind to the new one",
			consumer.ErrSourceGone, s.durable, info.Created.Format(time.RFC3339))
	}
	return nil
}

// info asks for the state of the durable, again when a reconnect has swallowed
// the answer.
func (s *Source) info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	for {
		back := s.conn.events.nextReconnect()
		asking, cancel := context.WithCancelCause(ctx)
		go func() {
			select {
			case <-back:
				cancel(errReconnect)
			case <-asking.Done():
			}
		}()
		info, err := s.conn.consumerInfo(asking, s.durable.stream, s.durable.config.Durable)
		cancel(nil)
		if err == nil || !errors.Is(context.Cause(asking), errReconnect) {
			return info, err
		}
	}
}
