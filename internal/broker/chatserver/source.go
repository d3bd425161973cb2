// Package chatserver asks the chat server for its users' devices and tells it which are
// gone, by requests on push.directory.get and push.directory.gone. It is a
// device.Source. It refuses to know what an answer is used for, and believes it only as
// far as its form goes. What is lost at its border: which member of the queue group
// push-directory has answered.
package chatserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// MaxUsers is how many users a request has at most.
	MaxUsers = 1000
	// atOnce is how many requests of one look-up are under way.
	atOnce = 4
	// askAgain is after how long a silence a request is sent once more, as the chat
	// server that had it may have died, and tries how often it is sent.
	askAgain, tries = 2 * time.Second, 3
	// smallFor is for how long batches stay small after a silence.
	smallFor = 10 * time.Minute
)

// Source is the chat server as a [device.Source].
type Source struct {
	conn *broker.Conn

	mu    sync.Mutex
	limit int       // users of a request
	small time.Time // when limit was lowered
}

var _ device.Source = (*Source)(nil)

// New returns the chat server that answers on c.
func New(c *broker.Conn) *Source { return &Source{conn: c, limit: MaxUsers} }

// Find implements [device.Source]. It asks for up to MaxUsers users a request. A batch
// whose answer is too large for the broker is halved.
func (s *Source) Find(ctx context.Context, users []push.Uid) ([]device.Found, error) {
	batches := slices.Collect(slices.Chunk(users, s.batch()))
	if len(batches) == 1 {
		return s.ask(ctx, users)
	}
	answers := make([][]device.Found, len(batches))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, batch := range batches {
		group.Go(func() (err error) {
			answers[i], err = s.ask(ctx, batch)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(answers...), nil
}

// ask asks for the devices of one batch.
func (s *Source) ask(ctx context.Context, users []push.Uid) ([]device.Found, error) {
	reply, err := s.request(ctx, wire.DirectoryGet, encodeGet(users))
	if errors.Is(err, errSilent) {
		s.halve(len(users))
	}
	if err != nil {
		return nil, err
	}
	found, err := decodeGet(reply)
	if !errors.Is(err, errTooLarge) {
		return found, err
	}
	if len(users) == 1 {
		return nil, errOneTooLarge
	}
	half := len(users) / 2
	found, err = s.ask(ctx, users[:half])
	if err != nil {
		return nil, err
	}
	rest, err := s.ask(ctx, users[half:])
	return append(found, rest...), err
}

// Drop implements [device.Source]. The chat server that has removed the device knows.
func (s *Source) Drop(ctx context.Context, d push.Device, asOf time.Time, reason string) (untold bool, err error) {
	request, err := encodeGone(d, asOf, reason)
	if err != nil {
		return false, err
	}
	reply, err := s.request(ctx, wire.DirectoryGone, request)
	if err != nil {
		return false, err
	}
	return false, decodeGone(reply)
}

// request waits for an answer for at most [broker.RequestTimeout].
func (s *Source) request(ctx context.Context, subject string, data []byte) (reply []byte, err error) {
	err = s.conn.Ask(ctx, subject, func(ctx context.Context) error {
		reply, err = s.exchange(ctx, subject, data)
		return err
	})
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, nobody(subject)
	case errors.Is(err, broker.ErrSilent) && s.conn.Connected():
		return nil, fmt.Errorf("%s: %w", subject, errSilent)
	}
	return reply, err
}

// answer is what came of sending a request once.
type answer struct {
	message *nats.Msg
	err     error
}

// exchange sends a request, and again after a silence. The first answer counts, to
// whichever it is: both requests may be answered twice without harm.
func (s *Source) exchange(ctx context.Context, subject string, data []byte) ([]byte, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	answers := make(chan answer, tries) // all can be left behind
	silence := time.NewTicker(askAgain)
	defer silence.Stop()
	for sent := 0; ; {
		if sent < tries {
			sent++
			go func() {
				m, err := s.conn.NATS().RequestWithContext(ctx, subject, data)
				answers <- answer{m, err}
			}()
		}
		select {
		case a := <-answers:
			if a.err != nil {
				return nil, a.err //nolint:wrapcheck // request words it
			}
			return a.message.Data, nil
		case <-silence.C:
		}
	}
}

// batch is how many users a request has now.
func (s *Source) batch() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit < MaxUsers && time.Since(s.small) > smallFor {
		s.limit = MaxUsers
	}
	return s.limit
}

// halve has batches be smaller than the one that got no answer: a chat server that does
// not know codeTooLarge is silent when its answer is too large to be sent.
func (s *Source) halve(users int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if users > 1 {
		s.limit, s.small = min(s.limit, users/2), time.Now()
	}
}
