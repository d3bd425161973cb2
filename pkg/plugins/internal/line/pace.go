package line

import (
	"context"
	"errors"
	"fmt"
	"math"
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
}

const (
	// rampFrom is the share of the pace with which a ramp begins.
	rampFrom = 0.1
	// rampStep is how often a ramp rises.
	rampStep = 100 * time.Millisecond
)

// newPace makes a pace at the start of a ramp; one that holds nobody for 0. A tenth of
// a second's requests may come at once.
func newPace(perSecond float64, ramp time.Duration) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	p := &pace{most: rate.Limit(perSecond), ramp: ramp}
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

// enter reports whether the next send is due.
func (p *pace) enter(now time.Time) bool {
	if p.limiter == nil {
		return true
	}
	if began := p.began.Load(); began != 0 {
		p.raise(began, now)
	}
	return p.limiter.AllowN(now, 1)
}

var errTooLate = errors.New("the receipt would expire before the pace admits it")

// wait has next called when the next send is due, or with an error if ctx ends
// first or will have ended by then.
func (p *pace) wait(ctx context.Context, next func(error)) {
	now := time.Now()
	turn := p.limiter.ReserveN(now, 1)
	due := turn.DelayFrom(now)
	if end, ends := ctx.Deadline(); ends && now.Add(due).After(end) {
		turn.CancelAt(now)
		next(fmt.Errorf("wait for the pace of per_second: %w", errTooLate))
		return
	}
	var over atomic.Bool
	var stop func() bool
	timer := time.AfterFunc(math.MaxInt64, func() { // not before it is reset
		if !over.Swap(true) {
			stop()
			next(nil)
		}
	})
	stop = context.AfterFunc(ctx, func() {
		if !over.Swap(true) {
			timer.Stop()
			turn.Cancel()
			next(fmt.Errorf("wait for the pace of per_second: %w", context.Cause(ctx)))
		}
	})
	timer.Reset(due)
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
