// Package queue is the main path's side of the broker: it implements what
// internal/consumer pulls from, reschedules to and buries in. It refuses to know what a
// receipt is, how often one is tried and what a handler does. What is lost at its
// border: an ack is buffered, so a nil error of one is not the broker's word.
package queue

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/sleep"
)

// restAfterTrouble spaces the requests while a durable has no leader.
const restAfterTrouble = 250 * time.Millisecond

// Lane holds the sources of one handler.
type Lane struct {
	// Fresh has receipts as they were published, Retries those whose time has come
	// again, Suspects those that may be killing processes: over all processes, one
	// suspect at a time is delivered.
	Fresh, Retries, Suspects *Source
}

// Bind binds the durables of one handler, for t's first stream of receipts. It asks for nothing but their
// CONSUMER.INFO; something missing is an error that says what to do. Without a remaker
// a lane ends when one of them is deleted.
func Bind(ctx context.Context, c *broker.Conn, t topology.Topology, handler string, remaker Remaker) (Lane, error) {
	durables := t.Each()[0].Durables(handler)
	var sources [3]*Source
	for i, d := range durables {
		s, err := bind(ctx, c, d, remaker)
		if err != nil {
			return Lane{}, err
		}
		s.retried, s.alone = i > 0, i == 2
		sources[i] = s
	}
	return Lane{Fresh: sources[0], Retries: sources[1], Suspects: sources[2]}, nil
}

// BindFresh binds the durable of the receipts alone, as Bind does.
func BindFresh(ctx context.Context, c *broker.Conn, t topology.Topology, handler string, remaker Remaker) (*Source, error) {
	return bind(ctx, c, t.Each()[0].Durables(handler)[0], remaker)
}

func bind(ctx context.Context, c *broker.Conn, d topology.Durable, remaker Remaker) (*Source, error) {
	info, err := c.ConsumerInfo(ctx, d.Stream, d.Config.Durable)
	if err != nil {
		return nil, fmt.Errorf("binding to %s: %w%s", d, err, d.Remedy(err))
	}
	s := &Source{
		conn: c, handler: d.Lane, remaker: remaker, durable: d, heartbeat: heartbeat, drainWait: drainWait,
		next: c.Subject("$JS.API.CONSUMER.MSG.NEXT." + d.Stream + "." + d.Config.Durable),
	}
	s.created.Store(info.Created.UnixNano())
	return s, nil
}

// Source is one durable of one stream.
type Source struct {
	conn    *broker.Conn
	handler string // the lane
	remaker Remaker
	durable topology.Durable
	created atomic.Int64 // when it was made: tells a recreated durable from the one we bound to
	retried bool         // its messages are retries, with the headers of one
	alone   bool         // its messages are delivered one at a time
	next    string       // the subject that takes pull requests
	took    atomic.Bool  // a message, since somebody asked
	// heartbeat and drainWait are those of the package, but in tests.
	heartbeat, drainWait time.Duration
}

var _ consumer.Source = (*Source)(nil)

// Took reports whether a message has come since the last call.
func (s *Source) Took() bool { return s.took.Swap(false) }

// goOn decides after requests have ended with err whether Pull goes on, which it
// does when goOn returns nil.
func (s *Source) goOn(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, errStopped) {
		return nil
	}
	status, ended := errors.AsType[*statusError](err)
	if !ended && !errors.Is(err, errReconnect) && !errors.Is(err, errSilence) {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	if !ended {
		return nil
	}
	switch status.text {
	case "", "Consumer Deleted", "Leadership Change", "Server Shutdown": // "" is: nobody answers
		_ = sleep.For(ctx, restAfterTrouble) // whoever pulls looks at ctx
		return nil
	}
	return fmt.Errorf("pulling from %s: %w", s.durable, err)
}

// check asks whether the durable still exists and is the one we bound to. It
// returns nil when ctx has ended or there is no connection to ask through, since
// a reconnect checks again; another error that does not wrap
// [consumer.ErrSourceGone] says nothing about the durable. A durable that is gone is
// made anew if there is a remaker.
func (s *Source) check(ctx context.Context) error {
	info, err := s.info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: stream %s was deleted, and what waited in it is lost: run `pushworker provision`, and start again", consumer.ErrSourceGone, s.durable.Stream)
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return s.remake(ctx)
	case err != nil && (ctx.Err() != nil || !s.conn.Connected()):
		return nil //nolint:nilerr // see above
	case err != nil:
		return fmt.Errorf("checking %s: %w", s.durable, err)
	case info.Created.UnixNano() != s.created.Load():
		return s.adopt(info)
	}
	return nil
}

// info asks for the state of the durable, again when a reconnect has swallowed
// the answer.
func (s *Source) info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	for {
		back := s.conn.NextReconnect()
		asking, cancel := context.WithCancelCause(ctx)
		go func() {
			select {
			case <-back:
				cancel(errReconnect)
			case <-asking.Done():
			}
		}()
		info, err := s.conn.ConsumerInfo(asking, s.durable.Stream, s.durable.Config.Durable)
		cancel(nil)
		if err == nil || !errors.Is(context.Cause(asking), errReconnect) {
			return info, err
		}
	}
}
