package line

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// probeEvery is how often the provider is asked while the gate is closed.
const probeEvery = time.Second

// What leaving the gate may say; nil says that the provider works.
var (
	errSick      = errors.New("the provider does not work for this address")
	errClose     = errors.New("the provider must not be asked")
	errUncounted = errors.New("the provider was not asked, or its answer was lost")
)

// gate decides whether the provider may be asked at all. It is closed during an
// outage, while a quota of ours is used up, and while our credentials are refused;
// when that is so the [evidence] says. Nobody passes before the time that the provider
// has named; then one request a second does, until one shows that it works. While the
// gate is open nobody takes a lock.
type gate struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	atOnce  bool          // what ReadyToTrip looks at closes the gate; the breaker's lock guards it
	shut    atomic.Bool   // it is not open
	turns   atomic.Uint64 // how often it has opened or closed
	why     atomic.Pointer[error]
	pause   atomic.Pointer[pause]
}

// pass is what one request has to leave the gate with.
type pass struct {
	turns uint64      // of the gate when it was open
	done  func(error) // the breaker's; nil when it was open
}

// pause is the time before which nobody passes.
type pause struct {
	until time.Time
	why   error
	wait  time.Duration // how long it was, if it grows
}

// newGate makes an open gate. reopened is told when it opens again; it must not
// call the gate.
func newGate(reopened func()) *gate {
	g := &gate{}
	g.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1, Timeout: probeEvery,
		IsExcluded: func(err error) bool { return errors.Is(err, errUncounted) },
		IsSuccessful: func(err error) bool { // called right before ReadyToTrip
			g.atOnce = errors.Is(err, errClose)
			return err == nil
		},
		ReadyToTrip: func(gobreaker.Counts) bool { return g.atOnce },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			g.shut.Store(to != gobreaker.StateClosed)
			g.turns.Add(1)
			if to == gobreaker.StateClosed {
				reopened()
			}
		},
	})
	return g
}

// closed says why there is no use in asking to enter now, or nil.
func (g *gate) closed(now time.Time) error {
	if p := g.pause.Load(); p != nil && now.Before(p.until) {
		return p.why
	}
	if g.shut.Load() && g.breaker.State() == gobreaker.StateOpen {
		return g.reason()
	}
	return nil
}

// open reports whether everybody may pass: the provider works, as far as is known.
func (g *gate) open() bool { return !g.shut.Load() }

// enter asks to send one request now, after which leave must be called once.
func (g *gate) enter(now time.Time) (pass, error) {
	if err := g.closed(now); err != nil {
		return pass{}, err
	}
	if turns := g.turns.Load(); g.open() {
		return pass{turns: turns}, nil
	}
	done, err := g.breaker.Allow()
	if err != nil {
		return pass{}, g.reason()
	}
	return pass{done: done}, nil
}

// leave says how it went. What is said of a gate that was open tells nothing of one
// that has closed since.
func (g *gate) leave(p pass, verdict error) {
	switch {
	case p.done != nil:
		p.done(verdict)
	case errors.Is(verdict, errClose) && p.turns == g.turns.Load():
		if done, err := g.breaker.Allow(); err == nil {
			done(verdict)
		}
	}
}

// explain remembers why the provider may be down, for those who are turned away.
func (g *gate) explain(why error) { g.why.Store(&why) }

func (g *gate) reason() error {
	if why := g.why.Load(); why != nil {
		return fmt.Errorf("probing every second: %w", *why)
	}
	return errSick
}

// rest lets nobody pass for as long as a asks for, and for longer each time that a probe is
// answered so.
func (g *gate) rest(a Answer, now time.Time) {
	next := &pause{until: now.Add(a.Wait), why: a.Err}
	if a.Most > 0 {
		next.wait = a.Wait
		if old := g.pause.Load(); old != nil && old.wait > 0 && g.shut.Load() {
			if now.Before(old.until) { // it was sent before the pause
				return
			}
			next.wait = min(2*old.wait, a.Most)
		}
		next.until = now.Add(next.wait)
	}
	g.pauseAs(next)
}

// pauseAs begins a pause. Of several the longest counts.
func (g *gate) pauseAs(next *pause) {
	for {
		old := g.pause.Load()
		if old != nil && !old.until.Before(next.until) || g.pause.CompareAndSwap(old, next) {
			return
		}
	}
}
