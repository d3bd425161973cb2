package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// leaveMoment is what cancelled work has for leaving.
const leaveMoment = 500 * time.Millisecond

// pool is the working half of an [Adapter], from one Init to the next Stop.
//
// Its channel is never closed, because others send on it. To stop, it is filled
// with stop marks instead: a mark ends the worker that takes it, and when marks
// fill the whole buffer no send can succeed any more, so that no receipt is left
// in a channel which nobody reads, and nobody has to stay and watch it.
type pool struct {
	work    Work
	timeout time.Duration
	in      chan *Receipt // as many receipts as the config's buffer says
	mark    *Receipt

	ctx         context.Context //nolint:containedctx // the parent of every receipt's context
	cancel      context.CancelCauseFunc
	places      *places        // of Work.Start
	workers     sync.WaitGroup // those, and what Work.Start has begun
	stopping    atomic.Bool
	interrupted atomic.Bool   // a receipt was handed back half done
	idle        chan struct{} // closed when all workers have ended
	stopped     chan struct{} // closed when Work.Close has ended, too
}

func newPool(w Work, c Common) *pool {
	concurrency := cmp.Or(c.Concurrency, max(1, w.Concurrency))
	p := &pool{
		work:    w,
		timeout: c.Timeout,
		in:      make(chan *Receipt, cmp.Or(c.Buffer, bufferFor(concurrency))),
		mark:    &Receipt{},
		idle:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancelCause(context.Background()) //nolint:forbidigo // outlives the Init that makes it
	p.places = newPlaces(concurrency, w.Room)
	if w.Start != nil { // which waits for nothing
		concurrency = min(concurrency, runtime.GOMAXPROCS(0))
	}
	for range concurrency {
		p.workers.Go(p.run)
	}
	return p
}

// bufferFor is the buffer of a handler that works on so many receipts at once, unless the
// config has one. A lane holds as many as the buffer, and leaves a quarter of that to
// retries: with less, the buffer would bind the concurrency.
func bufferFor(concurrency int) int { return max(defaultBuffer, concurrency+concurrency/2) }

// run is one worker.
func (p *pool) run() {
	for {
		r := <-p.in
		switch {
		case r == p.mark:
			p.seal(1)
			return
		case r == nil:
		case p.stopping.Load():
			r.Done(ErrNotStarted)
		case p.work.Start != nil:
			p.admit(r)
		default:
			r.Done(p.handle(r))
		}
	}
}

// seal puts marks into the channel and hands back the receipts that are in their
// way. Whoever takes a mark out owes one: the marks in the channel and those owed
// are always as many as the channel has places, so that with nothing owed it is
// full, and full of marks.
func (p *pool) seal(owed int) {
	for owed > 0 {
		select {
		case p.in <- p.mark:
			owed--
			continue
		default:
		}
		select {
		case r := <-p.in:
			if r == p.mark {
				owed++
			} else if r != nil {
				r.Done(ErrNotStarted)
			}
		default:
		}
	}
}

// drain is [Drainer]'s.
func (p *pool) drain(ctx context.Context) error {
	if p.stopping.CompareAndSwap(false, true) {
		for _, s := range p.places.close() {
			s.receipt.Done(ErrNotStarted)
		}
		p.seal(cap(p.in))
		go p.finish()
	}
	select {
	case <-p.stopped:
		return nil
	default:
	}
	earlier := false
	select {
	case <-p.stopped:
		return nil
	case <-p.ctx.Done(): // an earlier drain has given up: there is no work to wait for
		earlier = true
	case <-ctx.Done():
	}
	p.cancel(ErrStopping)
	if p.left(ctx) && (earlier || !p.interrupted.Load()) {
		return nil
	}
	return fmt.Errorf("handler had to cancel its work to stop; give it more time if this happens often: %w", cmp.Or(ctx.Err(), ErrStopping))
}

// left gives work that has been cancelled a moment to end, and what ends the handler after
// it as long as ctx has time. It reports whether all has ended.
func (p *pool) left(ctx context.Context) bool {
	moment := time.NewTimer(leaveMoment)
	defer moment.Stop()
	select {
	case <-p.stopped:
		return true
	case <-moment.C:
	}
	select {
	case <-p.idle:
	default:
		return false
	}
	select {
	case <-p.stopped:
		return true
	case <-ctx.Done():
		return false
	}
}

// finish waits for the work, some of which may ignore its cancellation.
func (p *pool) finish() {
	p.workers.Wait()
	close(p.idle)
	if p.work.Close != nil {
		p.work.Close()
	}
	close(p.stopped)
	p.cancel(nil)
}

// handle has r handled within its deadline and says what Done is to be told.
func (p *pool) handle(r *Receipt) (err error) {
	r.begun = time.Now()
	ctx := &lazyContext{parent: p.ctx, deadline: r.begun.Add(p.timeout)}
	defer ctx.end()
	defer recovered(&err)
	return p.outcome(p.work.Handle(ctx, r), ctx.deadline)
}

// recovered is deferred: it makes an error of a panic.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// outcome adds to err what only the pool knows: that the work was interrupted, or
// that its time was up.
func (p *pool) outcome(err error, deadline time.Time) error {
	switch {
	case err == nil:
		return nil
	case p.ctx.Err() != nil && !instructs(err):
		p.interrupted.Store(true)
		return handBack(err)
	case errors.Is(err, context.DeadlineExceeded) && !time.Now().Before(deadline):
		return fmt.Errorf(`no outcome within %s; look at the provider, or raise the handler's "timeout": %w`, p.timeout, err)
	}
	return err
}

// instructs reports whether err is more than a plain failure, which a cancelled
// context may have caused.
func instructs(err error) bool {
	_, permanent := asType[*PermanentError](err)
	_, retryAfter := asType[*RetryAfterError](err)
	_, unavailable := asType[*UnavailableError](err)
	return permanent || retryAfter || unavailable || errors.Is(err, ErrExpired)
}

// handBack makes of the failure of interrupted work that what remains was not
// started, so that it does not count as an attempt. What did go out stays noted.
func handBack(err error) error {
	if part, ok := asType[*Undelivered](err); ok {
		rest := *part
		rest.Err = handBack(part.Err)
		return &rest
	}
	return fmt.Errorf("%w: %w: %w", ErrNotStarted, ErrInterrupted, err)
}
