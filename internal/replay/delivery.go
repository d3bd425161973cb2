package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// window is how many receipts may wait for their outcome at a time.
	window = 1024
	// lookEvery is how often a handler that is not ready is looked at.
	lookEvery = 50 * time.Millisecond
)

// Delivery hands receipts to a handler in this process and waits for what becomes of
// each. Nothing is tried again, and what [Expired] calls too old is not sent.
type Delivery struct {
	// Tell, if it is set before the first Take, is told what became of each receipt that
	// the handler has settled, by one goroutine at a time.
	Tell func(Outcome)

	handler push.Handler
	grace   time.Duration
	failed  func(seq uint64, err error)

	mu      sync.Mutex
	tally   Tally
	open    map[uint64]struct{} // taken, and not finished
	fatal   error               // the handler does not go on
	told    bool                // Take has returned fatal
	settled chan struct{}       // has room for one: open or fatal has changed
}

var _ Sink = (*Delivery)(nil)

// Outcome is what became of a receipt.
type Outcome struct {
	Seq     uint64
	Stored  time.Time
	Receipt *push.Receipt
	// Counts adds up what became of its targets.
	Counts push.Targets
	// Err is the handler's error, nil if there was none.
	Err error
}

// NewDelivery returns a delivery to h, which has been initialised and is stopped by
// [Delivery.Finish]. Grace is how long work in flight may take once the replay is
// interrupted. Failed is told of each receipt that was not delivered, or in part only,
// by one goroutine at a time.
func NewDelivery(h push.Handler, grace time.Duration, failed func(seq uint64, err error)) *Delivery {
	return &Delivery{
		handler: h, grace: grace, failed: failed,
		open: make(map[uint64]struct{}), settled: make(chan struct{}, 1),
	}
}

// Take implements [Sink]. It waits for room in the handler. An error of the kind
// [push.UnavailableError] is the handler's word that no other would be delivered.
func (d *Delivery) Take(ctx context.Context, s Stored, r *push.Receipt) error {
	if Expired(d.handler, r, time.Now()) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.tally.Expired++
		return nil
	}
	if err := d.room(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	d.open[s.Seq] = struct{}{}
	d.mu.Unlock()
	_, reports := d.handler.(push.Reporter)
	if reports {
		r.OnDone(func(err error) { d.done(s, r, err) })
	}
	select {
	case d.handler.Push() <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !reports {
		d.done(s, r, nil)
	}
	return nil
}

// room waits until the handler is ready and the window has room.
func (d *Delivery) room(ctx context.Context) error {
	for {
		open, err := d.state()
		ready := d.handler.IsReady()
		if err != nil || ready && open < window {
			d.told = err != nil
			return err
		}
		var look <-chan time.Time
		if !ready {
			look = time.After(lookEvery)
		}
		select {
		case <-look:
		case <-d.settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *Delivery) state() (open int, fatal error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.open), d.fatal
}

// done is told by the handler what became of a receipt.
func (d *Delivery) done(s Stored, r *push.Receipt, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		select {
		case d.settled <- struct{}{}:
		default:
		}
	}()
	again, over := unfinished(err)
	if over && d.fatal == nil {
		d.fatal = fmt.Errorf("the handler takes no more: %w", err)
	}
	if again {
		return
	}
	counts := targetsOf(r, err)
	d.tally.Accepted += int64(counts.Accepted)
	switch {
	case err == nil && counts.Accepted == 0:
		d.tally.Unsent++
	case err == nil:
		d.tally.Sent++
	case errors.Is(err, push.ErrExpired):
		d.tally.Expired++
	default:
		if after := resting(err); after > 0 {
			err = fmt.Errorf("replay it again in %s: %w", after.Round(time.Second), err)
		}
		d.tally.Failed++
		d.failed(s.Seq, err)
	}
	if d.Tell != nil {
		d.Tell(Outcome{Seq: s.Seq, Stored: s.Time, Receipt: r, Counts: counts, Err: err})
	}
	delete(d.open, s.Seq)
}

// targetsOf is what became of the targets. A handler that does not count them has
// taken the receipt as a whole, for whoever is addressed.
func targetsOf(r *push.Receipt, err error) push.Targets {
	counts, told := r.Tallied()
	if !told && err == nil {
		counts.Accepted = max(1, len(r.To))
	}
	return counts
}

// unfinished reports whether a receipt is to be sent again when the replay goes on,
// because it was not sent or nobody knows, and whether there is no use in sending
// others. What was delivered in part is not sent again, and neither is what waits for
// a time that its provider has named: that concerns its devices, and others are sent.
func unfinished(err error) (again, over bool) {
	_, over = errors.AsType[*push.UnavailableError](err)
	over = over || errors.Is(err, push.ErrStopping) || errors.Is(err, push.ErrNotStarted) && resting(err) == 0
	_, partly := errors.AsType[*push.Undelivered](err)
	return over && !partly, over
}

// resting is how long the provider wants to be left alone with a receipt; 0 if it has
// not said.
func resting(err error) time.Duration {
	if told, ok := errors.AsType[*push.RetryAfterError](err); ok {
		return told.After
	}
	return 0
}

// Flush implements [Sink].
func (*Delivery) Flush() error { return nil }

// Position implements [Sink].
func (d *Delivery) Position(next uint64, t *Tally) (Position, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t.add(d.tally)
	open := slices.Sorted(maps.Keys(d.open))
	return Position{Next: next, Open: slices.DeleteFunc(open, func(seq uint64) bool { return seq >= next })}, nil
}

// Finish implements [Sink]. It stops the handler.
func (d *Delivery) Finish(ctx context.Context) error {
	d.wait(ctx)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.grace)
	defer cancel()
	_, fatal := d.state() // before the handler hands back what it has not started
	if h, ok := d.handler.(push.Drainer); ok {
		_ = h.Drain(stopping) // what was cancelled is still open
	} else {
		d.handler.Stop()
	}
	if d.told {
		return nil
	}
	return fatal
}

// wait waits until all is finished, or the handler or ctx gives up.
func (d *Delivery) wait(ctx context.Context) {
	for {
		if open, fatal := d.state(); fatal != nil || open == 0 {
			return
		}
		select {
		case <-d.settled:
		case <-ctx.Done():
			return
		}
	}
}

// Count implements [Sink].
func (d *Delivery) Count(t *Tally) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t.add(d.tally)
}

// Expired reports whether r is too old at now to be worth sending through h.
func Expired(h push.Handler, r *push.Receipt, now time.Time) bool {
	stale := push.StaleFor(h, r)
	return !stale.IsZero() && !now.Before(stale)
}
