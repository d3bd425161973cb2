package broker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/deadletter"
)

// ErrNoLetter says that there is no dead letter with that sequence.
var ErrNoLetter = errors.New("no such dead letter")

// LetterFilter selects letters. The zero value selects all.
type LetterFilter struct {
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
func (l *Letters) List(ctx context.Context, f LetterFilter) iter.Seq2[deadletter.Letter, error] {
	return func(yield func(deadletter.Letter, error) bool) { l.list(ctx, f, yield) }
}

func (f LetterFilter) stretch() Stretch {
	s := Stretch{Subject: deadPrefix + ">", Since: f.Since}
	if f.Handler != "" {
		s.Subject = deadPrefix + f.Handler
	}
	return s
}

func (f LetterFilter) selects(l deadletter.Letter) bool {
	return f.Reason == "" || l.Reason == f.Reason
}

// NewestLetters yields what pick makes of the letters that f selects, the newest
// first, and stops after the first error. Several goroutines call pick.
func NewestLetters[T any](ctx context.Context, l *Letters, f LetterFilter, pick func(deadletter.Letter) T) iter.Seq2[T, error] {
	parts := Back(ctx, l.conn.History(l.stream), f.stretch(), func(m Stored) (picked T, ok bool) {
		letter := readLetter(m)
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

func (l *Letters) list(ctx context.Context, f LetterFilter, yield func(deadletter.Letter, error) bool) {
	found := 0
	for stored, err := range l.conn.History(l.stream).Read(ctx, f.stretch()) {
		if err != nil {
			yield(deadletter.Letter{}, err)
			return
		}
		letter := readLetter(stored)
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
	stored, err := l.conn.History(l.stream).Get(ctx, seq)
	if errors.Is(err, ErrNotStored) {
		return deadletter.Letter{}, fmt.Errorf("%w with sequence %d in stream %s: `pushworker deadletter ls` lists those there are", ErrNoLetter, seq, l.stream)
	}
	if err != nil {
		return deadletter.Letter{}, err
	}
	return readLetter(stored), nil
}

// readLetter reads a letter. Whose it is says the subject, which the broker's
// permissions guard; what names another lane in its headers was not buried by one.
func readLetter(raw Stored) deadletter.Letter {
	h := nats.Header(raw.Header)
	handler := letterLane(raw.Subject)
	expires, own := readPublished(h)
	l := deadletter.Letter{
		Seq: raw.Seq, Stored: raw.Time, Expires: expires, Handler: handler, Reason: h.Get(headerReason), Error: h.Get(headerError),
		Stream: h.Get(headerOriginStream), Subject: h.Get(headerOriginSubject), ID: h.Get(headerMsgID),
		Data: raw.Data, Narrowed: h.Get(headerNarrowed) == isTrue,
		Truncated: h.Get(headerTruncated) == isTrue, Header: own, Last: raw.Time,
	}
	if l.Foreign = h.Get(headerHandler) != handler || l.Reason == ""; l.Foreign && l.Error == "" {
		l.Error = "no worker wrote this letter"
	}
	// What does not parse was not written by us and stays zero.
	l.Attempts, _ = strconv.Atoi(h.Get(headerAttempt))
	l.Redriven, _ = strconv.Atoi(h.Get(headerRedriven))
	l.StreamSeq, _ = strconv.ParseUint(h.Get(headerOriginSeq), 10, 64)
	l.First, _ = time.Parse(time.RFC3339Nano, h.Get(headerFirst))
	if t, err := time.Parse(time.RFC3339Nano, h.Get(headerLast)); err == nil {
		l.Last = t
	}
	return l
}

// letterLane is the lane that a subject of the dead-letter stream belongs to, empty
// for what belongs to none.
func letterLane(subject string) string {
	lane := strings.TrimPrefix(subject, deadPrefix)
	if first, _, _ := strings.Cut(lane, "."); first == malformedToken {
		return ""
	}
	return lane
}
