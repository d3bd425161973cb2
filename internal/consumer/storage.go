package consumer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// storeTimeout bounds how long a retry or a letter may take to be confirmed.
	storeTimeout = 10 * time.Second
	// firstPause and lastPause bound the random pauses between two tries to store what
	// was refused.
	firstPause, lastPause = time.Second, 8 * time.Second
)

// storage is one of the two streams that a lane writes to before it acknowledges.
type storage struct {
	what    string                // is stored there
	final   bool                  // what is too large for it has no other place
	refusal atomic.Pointer[error] // of the last write; nil if it was confirmed
	stuck   atomic.Int64          // how many wait because they are too large
	tooBig  atomic.Pointer[error] // what the last of them was told
}

// fault says what cannot be stored now, and why; nil while all can.
func (s *storage) fault(lane string) error {
	if why := s.refusal.Load(); why != nil {
		return fmt.Errorf("lane %s: %s cannot be stored, receipts wait in memory: %w: check the space and limits of the stream", lane, s.what, *why)
	}
	if n, why := s.stuck.Load(), s.tooBig.Load(); n > 0 && why != nil {
		return fmt.Errorf("lane %s: %s of %s cannot be stored, however short; they wait in memory: %w", lane, s.what, counted(n, "receipt"), *why)
	}
	return nil
}

// keep stores with write, again and again until the broker has confirmed: what is
// refused stays in hand, with its attempts and its progress. It gives up with the
// broker's error when the lane stops, and on [ErrTooLarge] if what is too large has
// another place.
func (d *delivery) keep(s *storage, write func(context.Context) error) error {
	stuck := false
	defer func() {
		if stuck {
			s.stuck.Add(-1)
		}
	}()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := d.lane.storeOnce(s, write)
		tooLarge := errors.Is(err, ErrTooLarge)
		if err == nil || tooLarge && !s.final {
			return err
		}
		if tooLarge && !stuck {
			stuck = true
			s.tooBig.Store(&err)
			s.stuck.Add(1)
			d.logLine(stuckLine, err)
		}
		d.endProbe()
		jitter := time.Duration(rand.Float64() * float64(pause/2)) //nolint:gosec // jitter needs no secrecy
		if sleep.For(d.lane.pulling, pause/2+jitter) != nil {
			return err
		}
	}
}

// storeOnce tries write once. It outlives the lane's own context, because a stopping
// lane still settles what it holds.
func (l *Lane) storeOnce(s *storage, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(l.settling, storeTimeout)
	defer cancel()
	err := write(ctx)
	switch {
	case errors.Is(err, ErrTooLarge): // which says nothing about the stream
	case err == nil:
		if s.refusal.Load() != nil && s.refusal.Swap(nil) != nil {
			l.line(storedAgainLine).Msgf("%s %s", s.what, storedAgainLine)
		}
	case s.refusal.Swap(&err) == nil:
		l.line(notStoredLine).Err(err).Msgf("%s %s", s.what, notStoredLine)
	}
	return err
}
