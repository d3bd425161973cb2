package line

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// pace keeps below the project's quota and rises to it slowly, after the start
// and after an outage, as FCM asks for.
type pace struct {
	limiter *rate.Limiter
	most    rate.Limit
	ramp    time.Duration
	began   atomic.Int64 // of the present ramp, in Unix ns; 0 when it is over
	raised  atomic.Int64 // when the limit was last raised, in Unix ns

	mu       sync.Mutex
	waiting  waiters
	timer    *time.Timer // of the next step; nil before the first
	stepping bool        // it runs, or a step is made
}

const (
	// rampFrom is the share of the pace with which a ramp begins.
	rampFrom = 0.1
	// rampStep is how often a ramp rises.
	rampStep = 100 * time.Millisecond
	// stepEvery is how often those who wait continue, at most. Sends that are due in the same
	// step share writes, and so do their answers.
	stepEvery = 5 * time.Millisecond
)

// newPace makes a pace at the start of a ramp; one that holds nobody for 0. A tenth of
// a second's requests may come at once.
func newPace(perSecond float64, ramp time.Duration) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	p := &pace{most: rate.Limit(perSecond), ramp: ramp}
	p.waiting.mu, p.waiting.what = &p.mu, "the pace of per_second"
	p.limiter = rate.NewLimiter(p.most, max(1, int(perSecond/10)))
	p.restart()
	return p
}

// restart begins a ramp.
func (p *pace) restart() {
	if p.limiter == nil {
		return
	}
	p.limiter.SetLimit(p.most * rampFrom)
	p.began.Store(time.Now().UnixNano())
}

// enter reports whether the next send is due. Who comes while others wait is behind them.
func (p *pace) enter(now time.Time) bool {
	if p.limiter == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.list.Len() == 0 && p.due(now)
}

// due reports whether a send is due, and takes that. mu is held.
func (p *pace) due(now time.Time) bool {
	if began := p.began.Load(); began != 0 {
		p.raise(began, now)
	}
	return p.limiter.AllowN(now, 1)
}

var errTooLate = errors.New("the receipt would expire before the pace admits it")

// wait has next called when the next send is due, or with an error if ctx ends
// first or will have ended by then. First come, first served.
func (p *pace) wait(ctx context.Context, next func(error)) {
	end, ends := ctx.Deadline()
	p.mu.Lock()
	now := time.Now()
	if ends && now.Add(p.until(p.waiting.list.Len()+1, now)).After(end) {
		p.mu.Unlock()
		next(fmt.Errorf("wait for %s: %w", p.waiting.what, errTooLate))
		return
	}
	defer p.mu.Unlock()
	w := p.waiting.add(rootOf(ctx), next)
	w.latest = end
	if !p.stepping {
		p.stepping = true
		p.arm(now)
	}
}

// until is how long it takes until the n-th send from now is due.
func (p *pace) until(n int, now time.Time) time.Duration {
	missing := float64(n) - p.limiter.TokensAt(now)
	return time.Duration(missing / float64(p.limiter.Limit()) * float64(time.Second))
}

// arm has the next step made when a send is due, and not sooner than in stepEvery. mu is
// held.
func (p *pace) arm(now time.Time) {
	after := max(stepEvery, p.until(1, now))
	if p.timer == nil {
		p.timer = time.AfterFunc(after, p.step)
	} else {
		p.timer.Reset(after)
	}
}

// step lets all continue whose sends are due, one after the other: a timer for each would
// cost more than the send, and each would be written alone.
func (p *pace) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for p.waiting.list.Len() > 0 {
		var err error
		if p.waiting.late(now) {
			err = fmt.Errorf("wait for %s: %w", p.waiting.what, errTooLate)
		} else if !p.due(now) {
			p.arm(now)
			return
		}
		w := p.waiting.take()
		p.mu.Unlock()
		w.resume(err)
		p.mu.Lock()
	}
	p.stepping = false
}

// now is how many sends a second are admitted at present; 0 for no limit.
func (p *pace) now(at time.Time) float64 {
	if p.limiter == nil {
		return 0
	}
	if began := p.began.Load(); began != 0 {
		p.raise(began, at)
	}
	return float64(p.limiter.Limit())
}

// raise sets the limit that the ramp has reached, every rampStep.
func (p *pace) raise(began int64, now time.Time) {
	last := p.raised.Load()
	if now.UnixNano()-last < int64(rampStep) || !p.raised.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	share := float64(now.UnixNano()-began) / float64(p.ramp)
	if share >= 1 {
		p.began.CompareAndSwap(began, 0)
	}
	p.limiter.SetLimit(p.most * rate.Limit(min(1, rampFrom+(1-rampFrom)*share)))
}
