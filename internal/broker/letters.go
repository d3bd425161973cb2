package broker

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// Letters is the dead-letter stream.
type Letters struct{}

var _ consumer.Graveyard = (*Letters)(nil)

// Letters returns the letters of t's dead-letter stream.
func (c *Conn) Letters(t Topology) *Letters { return &Letters{} }

// Bury implements [consumer.Graveyard]. It waits for the broker's confirmation
// until ctx ends, at most five seconds.
func (l *Letters) Bury(ctx context.Context, letter deadletter.Letter) error {
	return errors.New("not built yet")
}

// LetterFilter selects letters. The zero value selects all.
type LetterFilter struct {
	// Handler is the lane that gave up; "malformed" letters belong to no lane.
	Handler string
	// Reason is the code of a retry.Reason.
	Reason string
	// Since is the earliest time of burial.
	Since time.Time
	// Limit is the greatest number of letters; 0 means all.
	Limit int
}

// ErrNoLetter says that there is no dead letter with that sequence.
var ErrNoLetter = errors.New("no such dead letter")

// List yields the letters that f selects, oldest first. It stops after the first
// error. It disturbs no lane.
func (l *Letters) List(ctx context.Context, f LetterFilter) iter.Seq2[deadletter.Letter, error] {
	return func(yield func(deadletter.Letter, error) bool) {}
}

// Show returns the letter with sequence seq, or an error wrapping [ErrNoLetter].
func (l *Letters) Show(ctx context.Context, seq uint64) (deadletter.Letter, error) {
	return deadletter.Letter{}, ErrNoLetter
}
