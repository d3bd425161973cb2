package line

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// flight is a call on its way.
type flight struct {
	line *Line
	ctx  context.Context //nolint:containedctx // the call's own, which lives as long
	call Call
	done func(Answer)

	asks  bool // its address has rested, and it finds out for the others
	pass  pass
	began time.Time
	over  atomic.Bool
}

// admitted has a place, unless err is set.
func (f *flight) admitted(err error) {
	if err != nil {
		f.end(Answer{Fate: Again, Err: fmt.Errorf("%w: %w", ErrInterrupted, err)})
		return
	}
	if f.line.pace.enter(time.Now()) {
		f.paced(nil)
		return
	}
	f.line.pace.wait(f.ctx, f.paced)
}

// paced asks the provider, if it still may be asked: what it has said to others while
// this one waited for its turn counts.
func (f *flight) paced(err error) {
	l, now := f.line, time.Now()
	if err != nil {
		f.leave(Answer{Fate: Again, Err: fmt.Errorf("%w: %w", ErrInterrupted, err)}, false, now)
		return
	}
	a, known := l.known(&f.call, now)
	if !known {
		a, known, f.asks = l.resting.ask(&f.call, now, l.Timeout)
	}
	if !known {
		if f.pass, err = l.gate.enter(now); err != nil {
			a, known = l.Down(err), true
		}
	}
	if known {
		f.leave(a, false, now)
		return
	}
	f.began = now
	defer f.recover()
	f.call.Do(f.ctx, f.answered)
}

// recover makes an answer of a panic: nobody else would, in a goroutine of the line's.
func (f *flight) recover() {
	if v := recover(); v != nil {
		f.answered(panicked(v))
	}
}

// answered takes the answer of Do.
func (f *flight) answered(a Answer) {
	if f.over.Swap(true) {
		return
	}
	l, now := f.line, time.Now()
	took := now.Sub(f.began)
	if !a.at.IsZero() {
		took = a.at.Sub(f.began)
	}
	interrupted := false
	if a.unanswered {
		interrupted = f.ctx.Err() != nil
		a = l.unanswered(f.ctx, a, took)
	}
	f.call.Note.take(a, f.began, took, interrupted)
	verdict := errUncounted
	if !a.panicked {
		f.call.Group.hear(a, now)
		if !interrupted && (a.counts() || a.Fate == Rejected) {
			l.told(a, took)
		}
		a, verdict = l.judgeAll(a, &f.call, now)
	}
	if a.Fate == Accepted {
		l.hear(took)
	}
	l.gate.leave(f.pass, verdict)
	refused := errors.Is(verdict, errClose)
	if refused || errors.Is(verdict, errSick) && !l.gate.open() { // not the address's fault, so not an attempt of its
		a = l.Down(a.Err)
	}
	f.leave(a, refused, now)
}

// leave gives back what the call has taken.
func (f *flight) leave(a Answer, refused bool, now time.Time) {
	if f.asks {
		f.line.resting.forget(&f.call)
	}
	f.line.limit.leave(a.Fate == Accepted, refused, now)
	f.end(a)
}

func (f *flight) end(a Answer) {
	f.call.Group.leave()
	f.done(a)
}
