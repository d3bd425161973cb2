package fcm

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// probeEvery is how often FCM is asked while the gate is closed.
const probeEvery = time.Second

// What leaving the gate may say; nil says that FCM works.
var (
	errSick      = errors.New("FCM does not work for this target")
	errClose     = errors.New("FCM is not to be asked")
	errUncounted = errors.New("FCM was not asked, or nobody heard its answer")
)

// gate decides whether FCM may be asked at all. It is closed during an outage,
// while the project's quota is used up, and while FCM refuses our credentials; when
// that is so the [evidence] says. Nobody passes before the time that FCM has named;
// then one request a second does, until one shows that FCM works.
type gate struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	atOnce  bool // what ReadyToTrip looks at closes the gate; the breaker's lock guards it
	why     atomic.Pointer[error]
	pause   atomic.Pointer[pause]
}

// pause is the time before which nobody passes.
type pause struct {
	until time.Time
	why   error
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
	if g.breaker.State() == gobreaker.StateOpen {
		return g.reason()
	}
	return nil
}

// open reports whether everybody may pass: FCM works, as far as is known.
func (g *gate) open() bool { return g.breaker.State() == gobreaker.StateClosed }

// enter asks to send one request now. leave must be called once, and be told how
// it went.
func (g *gate) enter(now time.Time) (leave func(error), err error) {
	if err := g.closed(now); err != nil {
		return nil, err
	}
	leave, err = g.breaker.Allow()
	if err != nil {
		return nil, g.reason()
	}
	return leave, nil
}

// explain remembers why FCM may be down, for those who are turned away.
func (g *gate) explain(why error) { g.why.Store(&why) }

func (g *gate) reason() error {
	if why := g.why.Load(); why != nil {
		return fmt.Errorf("probing every second: %w", *why)
	}
	return errSick
}

// pauseUntil lets nobody pass before then. Of several pauses the longest counts.
func (g *gate) pauseUntil(until time.Time, why error) {
	next := &pause{until: until, why: why}
	for {
		old := g.pause.Load()
		if old != nil && !old.until.Before(until) || g.pause.CompareAndSwap(old, next) {
			return
		}
	}
}
