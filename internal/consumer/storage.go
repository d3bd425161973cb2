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
	refusal atomic.Pointer[error] // of the last write; nil if it was confirmed
}

// fault says that nothing can be stored now, and why; nil while it can.
func (s *storage) fault(lane string) error {
	if why := s.refusal.Load(); why != nil {
		return fmt.Errorf("lane %s: %s cannot be stored, receipts wait in memory: %w: check the space and limits of the stream", lane, s.what, *why)
	}
	return nil
}

// keep stores with write, again and again until the broker has confirmed: what is
// refused stays in hand, with its attempts and its progress. It gives up with the
// broker's error when the lane stops, and on [ErrTooLarge].
func (d *delivery) keep(s *storage, write func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := d.lane.storeOnce(s, write)
		if err == nil || errors.Is(err, ErrTooLarge) {
			return err
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
