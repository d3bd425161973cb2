package broker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/pushworker/pushworker/internal/deadletter"
)

// letterBatch is how many letters List asks for at a time.
const letterBatch = 256

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

func (l *Letters) list(ctx context.Context, f LetterFilter, yield func(deadletter.Letter, error) bool) {
	subject := deadPrefix + ">"
	if f.Handler != "" {
		subject = deadPrefix + f.Handler
	}
	from := jetstreamext.GetBatchSeq(1)
	if !f.Since.IsZero() {
		from = jetstreamext.GetBatchStartTime(f.Since)
	}
	found := 0
	for raw, err := range l.read(ctx, subject, from) {
		if err != nil {
			yield(deadletter.Letter{}, err)
			return
		}
		letter := readLetter(raw)
		if f.Reason != "" && letter.Reason != f.Reason {
			continue
		}
		if found++; !yield(letter, nil) || found == f.Limit {
			return
		}
	}
}

// Show returns the letter with sequence seq, or an error wrapping [ErrNoLetter].
func (l *Letters) Show(ctx context.Context, seq uint64) (deadletter.Letter, error) {
	for raw, err := range l.read(ctx, deadPrefix+">", jetstreamext.GetBatchSeq(max(1, seq))) {
		if err != nil {
			return deadletter.Letter{}, err
		}
		if raw.Sequence != seq {
			break
		}
		return readLetter(raw), nil
	}
	return deadletter.Letter{}, fmt.Errorf("%w with sequence %d in stream %s: `pushworker deadletter ls` lists those there are", ErrNoLetter, seq, l.stream)
}

// read yields the stored messages on subject from a point on.
func (l *Letters) read(ctx context.Context, subject string, from jetstreamext.GetBatchOpt) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		for more := true; more; {
			more = false
			batch, err := l.batch(ctx, subject, from)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, raw := range batch {
				if !yield(raw, nil) {
					return
				}
				more = true
				from = jetstreamext.GetBatchSeq(raw.Sequence + 1)
			}
		}
	}
}

// batch asks for the next messages on subject; none when there are no more.
func (l *Letters) batch(ctx context.Context, subject string, from jetstreamext.GetBatchOpt) (batch []*jetstream.RawStreamMsg, err error) {
	err = l.conn.request(ctx, "$JS.API.DIRECT.GET."+l.stream, func(ctx context.Context) error {
		messages, err := jetstreamext.GetBatch(ctx, l.conn.js, l.stream, letterBatch, from, jetstreamext.GetBatchSubject(subject))
		if err != nil {
			return err
		}
		for raw, err := range messages {
			if err != nil {
				return err
			}
			batch = append(batch, raw)
		}
		return nil
	})
	switch {
	case errors.Is(err, jetstreamext.ErrNoMessages):
		return nil, nil
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("reading stream %s: %w: it is missing, or does not allow direct gets; run once with PUSHWORKER_PROVISION=true", l.stream, err)
	case err != nil:
		return nil, fmt.Errorf("reading stream %s: %w", l.stream, err)
	}
	return batch, nil
}

func readLetter(raw *jetstream.RawStreamMsg) deadletter.Letter {
	h := raw.Header
	_, own := readPublished(h)
	l := deadletter.Letter{
		Seq: raw.Sequence, Handler: h.Get(headerHandler), Reason: h.Get(headerReason), Error: h.Get(headerError),
		Stream: h.Get(headerOriginStream), Subject: h.Get(headerOriginSubject), ID: h.Get(headerMsgID),
		Data: raw.Data, Truncated: h.Get(headerTruncated) == "true", Header: own, Last: raw.Time,
	}
	// What does not parse was not written by us and stays zero.
	l.Attempts, _ = strconv.Atoi(h.Get(headerAttempt))
	l.StreamSeq, _ = strconv.ParseUint(h.Get(headerOriginSeq), 10, 64)
	l.First, _ = time.Parse(time.RFC3339Nano, h.Get(headerFirst))
	if t, err := time.Parse(time.RFC3339Nano, h.Get(headerLast)); err == nil {
		l.Last = t
	}
	return l
}
