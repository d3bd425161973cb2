package history

import (
	"context"

	"github.com/pushworker/pushworker/internal/broker"
)

// lookahead asks for messages. Where they lie close together it knows where the answer
// after the next begins, and asks for it ahead, so that the broker has always something
// to do.
type lookahead struct {
	*reading

	size  batchSize
	dense bool
	ahead *asked
}

// asked is a question that is on its way.
type asked struct {
	first  uint64
	size   int
	answer chan batch // has room for it
	cancel context.CancelFunc
}

// answer returns the messages from first on: the next ones of the reading.
func (l *lookahead) answer(ctx context.Context, first uint64) batch {
	if l.ahead == nil || l.ahead.first != first {
		l.forget()
		l.ahead = l.ask(ctx, first)
	}
	coming := l.ahead
	l.ahead = nil
	if beyond := first + uint64(coming.size); l.dense && beyond <= l.last { //nolint:gosec // sizes are positive
		l.ahead = l.ask(ctx, beyond)
	}
	b := <-coming.answer
	coming.cancel()
	if n := len(b.messages); n > 0 {
		l.dense = b.messages[n-1].Seq-first == uint64(n-1)
		l.size.after(coming.size, n, l.dense)
	}
	return b
}

func (l *lookahead) ask(ctx context.Context, first uint64) *asked {
	size := int(min(uint64(l.size.now), l.last-first+1)) //nolint:gosec // as above
	ctx, cancel := context.WithCancel(ctx)
	a := &asked{first, size, make(chan batch, 1), cancel}
	l.asking.Go(func() {
		messages, err := l.many(ctx, broker.Query{Seq: first, Subject: l.subject, Batch: size, MaxBytes: batchBytes})
		a.answer <- batch{messages, err}
	})
	return a
}

// forget gives up what was asked ahead.
func (l *lookahead) forget() {
	if l.ahead != nil {
		l.ahead.cancel()
		l.ahead = nil
	}
}

// batchSize is how many messages to ask for.
type batchSize struct {
	now int
	cut bool
}

// after learns from n messages that came of those asked for. Where an answer is cut
// off at batchBytes, what was asked ahead was in vain.
func (s *batchSize) after(asked, n int, dense bool) {
	switch {
	case dense && n < asked:
		s.now, s.cut = max(1, n*3/4), true
	case s.cut:
		s.now = min(s.now+s.now/64+1, greatestBatch)
	default:
		s.now = min(4*s.now, greatestBatch)
	}
}
