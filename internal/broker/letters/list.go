package letters

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// ErrNoLetter says that there is no dead letter with that sequence.
var ErrNoLetter = errors.New("no such dead letter")

// Filter selects letters. The zero value selects all.
type Filter struct {
	// Handler is the lane that gave up. Malformed receipts belong to no lane;
	// select them by Reason.
	Handler string
	// Reason is the code of a retry.Reason.
	Reason string
	// Since is the earliest time of burial.
	Since time.Time
	// Limit is the greatest number of letters; 0 means all.
	Limit int
}

// List yields the letters that f selects, oldest first, and stops after the first
// error. It reads by direct gets and disturbs no lane.
func (l *Letters) List(ctx context.Context, f Filter) iter.Seq2[deadletter.Letter, error] {
	return func(yield func(deadletter.Letter, error) bool) { l.list(ctx, f, yield) }
}

func (f Filter) stretch() history.Stretch {
	s := history.Stretch{Subject: wire.DeadPrefix + ">", Since: f.Since}
	if f.Handler != "" {
		s.Subject = wire.DeadPrefix + f.Handler
	}
	return s
}

func (f Filter) selects(l deadletter.Letter) bool {
	return f.Reason == "" || l.Reason == f.Reason
}

// Newest yields what pick makes of the letters that f selects, the newest
// first, and stops after the first error. Several goroutines call pick.
func Newest[T any](ctx context.Context, l *Letters, f Filter, pick func(deadletter.Letter) T) iter.Seq2[T, error] {
	parts := history.Back(ctx, history.New(l.conn, l.stream), f.stretch(), func(m history.Stored) (picked T, ok bool) {
		letter := Read(m)
		if !f.selects(letter) {
			return picked, false
		}
		return pick(letter), true
	})
	return func(yield func(T, error) bool) {
		found := 0
		for part, err := range parts {
			var none T
			if err != nil && !yield(none, err) || !yieldSome(part.Picked, &found, f.Limit, yield) {
				return
			}
		}
	}
}

// yieldSome yields all of a part up to the limit, and reports whether more are wanted.
func yieldSome[T any](all []T, found *int, limit int, yield func(T, error) bool) bool {
	for _, one := range all {
		if *found++; !yield(one, nil) || *found == limit {
			return false
		}
	}
	return true
}

func (l *Letters) list(ctx context.Context, f Filter, yield func(deadletter.Letter, error) bool) {
	found := 0
	for stored, err := range history.New(l.conn, l.stream).Read(ctx, f.stretch()) {
		if err != nil {
			yield(deadletter.Letter{}, err)
			return
		}
		letter := Read(stored)
		if !f.selects(letter) {
			continue
		}
		if found++; !yield(letter, nil) || found == f.Limit {
			return
		}
	}
}

// Show returns the letter with sequence seq, or an error wrapping [ErrNoLetter].
func (l *Letters) Show(ctx context.Context, seq uint64) (deadletter.Letter, error) {
	stored, err := history.New(l.conn, l.stream).Get(ctx, seq)
	if errors.Is(err, history.ErrNotStored) {
		return deadletter.Letter{}, fmt.Errorf("%w with sequence %d in stream %s: `pushworker deadletter ls` lists those there are", ErrNoLetter, seq, l.stream)
	}
	if err != nil {
		return deadletter.Letter{}, err
	}
	return Read(stored), nil
}

// Each yields the letters with these sequences, in that order. One that is not there
// comes with its sequence alone and an error wrapping [ErrNoLetter], and the others
// follow; any other error is the last.
func (l *Letters) Each(ctx context.Context, seqs []uint64) iter.Seq2[deadletter.Letter, error] {
	return func(yield func(deadletter.Letter, error) bool) {
		for _, seq := range seqs {
			letter, err := l.Show(ctx, seq)
			if err != nil {
				letter.Seq = seq
			}
			if !yield(letter, err) || err != nil && !errors.Is(err, ErrNoLetter) {
				return
			}
		}
	}
}

// Read reads a letter as the stream keeps it.
func Read(m history.Stored) deadletter.Letter {
	l := wire.ReadLetter(m.Subject, m.Header)
	l.Seq, l.Stored, l.Data = m.Seq, m.Time, m.Data
	if l.Last.IsZero() {
		l.Last = m.Time
	}
	return l
}
