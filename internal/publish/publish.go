// Package publish publishes the receipts of files and pipes: it reads them, checks each,
// and has many in flight at a time, yet tells what became of them in their order.
//
//	inputs ─► reader ─► results, in the order of input ─► whoever ranges over Run
//	             └─► publisher ─► broker ─ack─► ┘
//
// It refuses to know where inputs come from and how results are shown. What is lost at
// its border: nothing; each receipt, and each input that cannot be read, has a result.
package publish

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxInFlight receipts, and maxBytesInFlight bytes of them, wait for the broker
	// at a time.
	maxInFlight      = 256
	maxBytesInFlight = 32 << 20
	// retryFor is how long the broker may take to store a receipt: a person waits.
	retryFor = 5 * time.Second
)

// Config is the configuration of the publisher for a subject, which so many streams share.
func Config(subject string, shards int) publisher.Config {
	return publisher.Config{Subject: subject, Shards: shards, MaxInFlight: maxInFlight, RetryFor: retryFor}
}

// Publishing says how receipts are read and published.
type Publishing struct {
	Publisher *publisher.Publisher
	// Open opens an input, and gives it the name that results say.
	Open func(name string) (in io.ReadCloser, where string, err error)
	// Limits bound a receipt.
	Limits push.Limits
	// Unchecked publishes what is not a receipt, too.
	Unchecked bool
	// ID finds the dedup id in a receipt; nil makes one up.
	ID func(receipt []byte) (string, error)
}

// Result is what became of one receipt, or of an input that cannot be read.
type Result struct {
	// Where it was read: input and line.
	Where string
	// Faults say why it was not published, though others are; nil if it was.
	Faults []string
	// Ack is the broker's word, and Err why there is none. After it nothing more is
	// stored, as likely as not.
	Ack publisher.Ack
	Err error

	done chan struct{} // closed when it is final
}

// Run publishes all inputs and yields the results in the order of input, whether somebody
// reads how it goes or not. When ctx ends, or reading with [context.Canceled], it yields
// that error, and what is in flight may be stored. Idle is called when there is nothing to
// yield for the time being.
func (p *Publishing) Run(ctx context.Context, inputs []string, idle func()) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		results := make(chan *Result, maxInFlight) // those whose receipts are in flight
		go func() {
			defer close(results)
			p.read(ctx, inputs, results)
		}()
		for {
			if len(results) == 0 {
				idle()
			}
			r, err := await(ctx, results)
			if r == nil && err == nil || !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// await returns the next result once it is final; nil after the last.
func await(ctx context.Context, results <-chan *Result) (*Result, error) {
	var r *Result
	select {
	case r = <-results:
	case <-ctx.Done():
	}
	if r != nil {
		select {
		case <-r.done:
			if errors.Is(r.Err, context.Canceled) { // the reading, or the publishing, was called off
				return nil, r.Err
			}
			return r, nil
		case <-ctx.Done():
		}
	}
	return nil, ctx.Err()
}

// read publishes what is in the inputs and sends a result for each receipt.
func (p *Publishing) read(ctx context.Context, inputs []string, results chan<- *Result) {
	budget := semaphore.NewWeighted(maxBytesInFlight)
	for _, name := range inputs {
		for r := range p.receipts(ctx, name) {
			if r.Faults == nil && r.Err == nil && !p.launch(ctx, r, budget) {
				return
			}
			select {
			case results <- r.Result:
			case <-ctx.Done():
				return
			}
		}
	}
}

// launch publishes a receipt without waiting for the broker's word, and reports
// whether the run goes on.
func (p *Publishing) launch(ctx context.Context, r pending, budget *semaphore.Weighted) bool {
	weight := min(int64(len(r.data)), maxBytesInFlight)
	if budget.Acquire(ctx, weight) != nil {
		return false
	}
	settle := func(ack publisher.Ack, err error) {
		budget.Release(weight)
		if errors.Is(err, publisher.ErrTooLarge) || errors.Is(err, publisher.ErrRefused) {
			r.Faults, err = []string{err.Error()}, nil
		}
		r.Ack, r.Err = ack, err
		close(r.done)
	}
	if err := p.Publisher.PublishRawAsync(ctx, r.data, settle, publisher.ID(r.id)); err != nil {
		settle(publisher.Ack{}, err)
	}
	return true
}
