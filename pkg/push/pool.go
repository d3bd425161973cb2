package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	beginning   context.Context //nolint:containedctx // of those that wait for Work.Begin; ends when the pool stops
	stopBegin   context.CancelCauseFunc
	workers     sync.WaitGroup
	stopping    atomic.Bool
	interrupted atomic.Bool   // a receipt was handed back half done
	stopped     chan struct{} // closed when all workers have ended
}

func newPool(w Work, c Common) *pool {
	p := &pool{
		work:    w,
		timeout: c.Timeout,
		in:      make(chan *Receipt, c.Buffer),
		mark:    &Receipt{},
		stopped: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancelCause(context.Background()) //nolint:forbidigo // outlives the Init that makes it
	p.beginning, p.stopBegin = context.WithCancelCause(p.ctx)
	concurrency := max(1, w.Concurrency)
	if c.Concurrency > 0 {
		concurrency = c.Concurrency
	}
	for range concurrency {
		p.workers.Go(p.run)
	}
	return p
}

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
		default:
			r.Done(p.begin(r))
		}
	}
}

// begin has r handled when its turn has come; it is handed back if the pool stops
// before that.
func (p *pool) begin(r *Receipt) (err error) {
	if p.work.Begin == nil {
		return p.handle(r)
	}
	defer recovered(&err)
	end, err := p.work.Begin(p.beginning, r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotStarted, err)
	}
	defer end()
	if p.stopping.Load() {
		return ErrNotStarted
	}
	return p.handle(r)
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
		p.stopBegin(ErrStopping)
		p.seal(cap(p.in))
		go p.finish()
	}
	select {
	case <-p.stopped:
		return nil
	default:
	}
	select {
	case <-p.stopped:
		return nil
	case <-p.ctx.Done(): // an earlier drain has given up: there is nothing to wait for
	case <-ctx.Done():
	}
	p.cancel(ErrStopping)
	leave := time.NewTimer(leaveMoment)
	defer leave.Stop()
	select {
	case <-p.stopped:
		if !p.interrupted.Load() {
			return nil
		}
	case <-leave.C:
	}
	return fmt.Errorf("handler had to cancel its work to stop; give it more time if this happens often: %w", cmp.Or(ctx.Err(), ErrStopping))
}

// finish waits for the workers, of which one may ignore its cancellation.
func (p *pool) finish() {
	p.workers.Wait()
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
	_, permanent := errors.AsType[*PermanentError](err)
	_, retryAfter := errors.AsType[*RetryAfterError](err)
	_, unavailable := errors.AsType[*UnavailableError](err)
	return permanent || retryAfter || unavailable || errors.Is(err, ErrExpired)
}

// handBack makes of the failure of interrupted work that what remains was not
// started, so that it does not count as an attempt. What did go out stays noted.
func handBack(err error) error {
	if part, ok := errors.AsType[*Undelivered](err); ok {
		rest := *part
		rest.Err = handBack(part.Err)
		return &rest
	}
	return fmt.Errorf("%w: %w: %w", ErrNotStarted, ErrInterrupted, err)
}
