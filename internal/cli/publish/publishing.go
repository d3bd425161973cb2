package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
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
	// few receipts need no summary: each has a line.
	few = 10
)

func publisherConfig(subject string) publisher.Config {
	return publisher.Config{Subject: subject, MaxInFlight: maxInFlight, RetryFor: retryFor}
}

// publishing is one run of publish:
//
//	inputs ─► receiptReader ─► results, in the order of input ─► stdout, stderr
//	                  └─► publisher ─► broker ─ack─► ┘
type publishing struct {
	command

	pub      *publisher.Publisher
	idPath   jsonPath
	validate bool
	limits   push.Limits
	out      *terminal.List

	total, invalid, duplicates int
	// quiet leaves out all but faults.
	quiet    bool
	progress *app.Progress
}

// result is what becomes of one receipt, or of an input that cannot be read.
type result struct {
	where  string
	faults []string
	// done is closed when ack and err are final.
	done chan struct{}
	ack  publisher.Ack
	err  error
}

// run publishes all inputs, whether somebody reads how it goes or not. It stops
// early when the broker does not store.
func (p *publishing) run(ctx context.Context, inputs []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan *result, maxInFlight) // those whose receipts are in flight
	go func() {
		defer close(results)
		p.read(ctx, inputs, results)
	}()
	byLine := p.out.Format == terminal.FormatTable && terminal.IsTerminal(p.Stdout)
	p.progress = p.Show(&app.Progress{What: "publishing", Total: -1, Quiet: p.quiet || byLine})
	began := time.Now()
	err := p.collect(ctx, results)
	p.progress.Stop()
	if stored := p.total - p.invalid; stored > few && !p.quiet {
		p.Say("published %s (%d duplicates) in %s", terminal.Count(stored, "receipt"), p.duplicates, time.Since(began).Round(time.Millisecond))
	}
	if err == nil && p.invalid > 0 {
		err = app.Data(errors.New(unpublished(p.invalid, p.total)))
	}
	if err == nil && p.total == 0 {
		p.Say("there was no receipt in the input")
	}
	return errors.Join(err, p.out.Close())
}

// unpublished says how many inputs of all were not published.
func unpublished(n, total int) string {
	switch {
	case total == 1:
		return "the input could not be read as a receipt and was not published"
	case n == total:
		return fmt.Sprintf("none of the %d inputs could be read as a receipt, and nothing was published", total)
	case n == 1:
		return fmt.Sprintf("1 of %d inputs could not be read as a receipt and was not published; the rest was", total)
	}
	return fmt.Sprintf("%d of %d inputs could not be read as receipts and were not published; the rest was", n, total)
}

// collect tells the results in the order of input.
func (p *publishing) collect(ctx context.Context, results <-chan *result) error {
	for {
		if len(results) == 0 {
			p.out.Flush()
		}
		r, ok, err := await(ctx, results)
		if err != nil || !ok {
			return err
		}
		if err := p.tell(r); err != nil {
			return err
		}
	}
}

// await returns the next result once it is final; ok is false after the last.
func await(ctx context.Context, results <-chan *result) (r *result, ok bool, err error) {
	interrupted := app.Interrupted("what was not told as stored may be stored: publish it again")
	select {
	case r, ok = <-results:
	case <-ctx.Done():
		return nil, false, interrupted
	}
	if !ok && ctx.Err() != nil {
		return nil, false, interrupted
	}
	if !ok {
		return nil, false, nil
	}
	select {
	case <-r.done:
		return r, true, nil
	case <-ctx.Done():
		return nil, false, interrupted
	}
}

// publishedLine is a receipt that is stored, and where it was read.
type publishedLine struct {
	publisher.Ack

	Input string `json:"input"`
}

// tell prints a final result. Its error ends the run.
func (p *publishing) tell(r *result) error {
	p.total++
	if errors.Is(r.err, publisher.ErrTooLarge) || errors.Is(r.err, publisher.ErrRefused) {
		r.faults = append(r.faults, r.err.Error())
	}
	switch {
	case len(r.faults) > 0:
		p.invalid++
		for _, fault := range r.faults {
			p.progress.Clear()
			p.Say("%s: %s", r.where, fault)
		}
		return nil
	case r.err != nil:
		return fmt.Errorf("%s and what follows: %w", r.where, r.err)
	}
	p.progress.Step()
	verdict := "stored"
	if r.ack.Duplicate {
		verdict = "duplicate"
		p.duplicates++
	}
	if p.quiet {
		return nil
	}
	p.out.Add(publishedLine{r.ack, r.where}, fmt.Sprintf("%-9s  %s %d  %s", verdict, r.ack.Stream, r.ack.Seq, terminal.OneLine(r.where)))
	return nil // an error of the output is told at the end
}

// read publishes what is in the inputs and sends a result for each receipt.
func (p *publishing) read(ctx context.Context, inputs []string, results chan<- *result) {
	budget := semaphore.NewWeighted(maxBytesInFlight)
	for _, name := range inputs {
		for r := range p.receipts(name) {
			if r.faults == nil && !p.launch(ctx, r, budget) {
				return
			}
			select {
			case results <- r.result:
			case <-ctx.Done():
				return
			}
		}
	}
}

// pending is a receipt on its way, with its result.
type pending struct {
	*result

	data []byte
	id   string
}

// launch publishes a receipt without waiting for the broker's word, and reports
// whether the run goes on.
func (p *publishing) launch(ctx context.Context, r pending, budget *semaphore.Weighted) bool {
	weight := min(int64(len(r.data)), maxBytesInFlight)
	if budget.Acquire(ctx, weight) != nil {
		return false
	}
	r.done = make(chan struct{})
	settle := func(ack publisher.Ack, err error) {
		budget.Release(weight)
		r.ack, r.err = ack, err
		close(r.done)
	}
	if err := p.pub.PublishRawAsync(ctx, r.data, settle, publisher.ID(r.id)); err != nil {
		settle(publisher.Ack{}, err)
	}
	return true
}
