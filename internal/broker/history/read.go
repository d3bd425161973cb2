package history

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// firstBatch and greatestBatch are how many messages a reading asks for at first,
	// because many want few, and how many when it goes on.
	firstBatch, greatestBatch = 64, 4096
	// batchBytes bounds an answer in memory. What has arrived counts when the rest does
	// not come.
	batchBytes = 4 << 20
)

// reading reads from a stream up to a sequence. Batches are fetched while the one
// before them is read.
type reading struct {
	history *History
	subject string
	last    uint64
	asking  sync.WaitGroup
}

// batch is some messages, then an error or none.
type batch struct {
	messages []Stored
	err      error
}

func (r *reading) run(ctx context.Context, first uint64, yield func(Stored, error) bool) {
	defer r.asking.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan batch, 1) // one is read, one waits, two come
	r.asking.Go(func() {
		defer close(batches)
		r.fetch(ctx, first, batches)
	})
	for b := range batches {
		if !r.yieldAll(b.messages, yield) {
			return
		}
		if b.err != nil {
			yield(Stored{}, b.err)
			return
		}
	}
	if ctx.Err() != nil {
		yield(Stored{}, r.history.explain(context.Cause(ctx)))
	}
}

// yieldAll yields those that are wanted, and reports whether more are.
func (r *reading) yieldAll(messages []Stored, yield func(Stored, error) bool) bool {
	for _, m := range messages {
		if m.Seq > r.last || !yield(m, nil) {
			return false
		}
	}
	return true
}

// fetch sends batches until the last message, an error or the end of ctx.
func (r *reading) fetch(ctx context.Context, first uint64, batches chan<- batch) {
	l := lookahead{reading: r, size: batchSize{now: firstBatch}}
	defer l.forget()
	for first <= r.last {
		b := l.answer(ctx, first)
		if b.err == nil && len(b.messages) == 0 {
			return
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return
		}
		if b.err != nil {
			return
		}
		first = b.messages[len(b.messages)-1].Seq + 1
	}
}

// many returns the next messages, none when there are none. Of an answer with a gap
// it returns what came before the gap; it asks again when that is nothing.
func (r *reading) many(ctx context.Context, question broker.Query) (messages []Stored, err error) {
	for try := range broker.ReadTries {
		if messages, err = r.once(ctx, question); len(messages) > 0 {
			return messages, nil
		}
		switch {
		case err == nil:
			err = r.missing(ctx, question)
		case errors.Is(err, broker.ErrHidden):
			err = fmt.Errorf("message %d, or the first one after it: %w", question.Seq, err)
		}
		if !errors.Is(err, broker.ErrAnswerTorn) && !errors.Is(err, broker.ErrAnswerCut) {
			return nil, err
		}
		_ = sleep.For(ctx, broker.ReadPause<<try) // the next try tells that ctx has ended
	}
	return nil, err
}

func (r *reading) once(ctx context.Context, question broker.Query) (messages []Stored, err error) {
	unreadable := error(nil)
	messages = make([]Stored, 0, question.Batch)
	err = r.history.conn.DirectGet(ctx, r.history.stream, question, func(_ uint64, m *nats.Msg) {
		if unreadable != nil {
			return
		}
		s, err := readStored(m, true)
		if unreadable = err; err == nil {
			messages = append(messages, s)
		}
	})
	if err = errors.Join(unreadable, err); err != nil {
		return messages, r.history.explain(err)
	}
	return messages, nil
}

// missing says whether an answer without messages is an error: when the broker still
// knows of one that it did not send. A replica that lags behind may do so.
func (r *reading) missing(ctx context.Context, question broker.Query) error {
	next, err := r.history.getOne(ctx, oneQuestion{Seq: question.Seq, Next: r.subject})
	switch {
	case errors.Is(err, ErrNotStored):
		return nil
	case err != nil:
		return err
	case next.Seq > r.last:
		return nil
	}
	return r.history.explain(fmt.Errorf("%w: message %d is stored and was not sent; try again from sequence %d", broker.ErrAnswerCut, next.Seq, question.Seq))
}
