package consumer

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// probeEvery is how long a lane rests after its provider was unavailable: at
	// most one call a second per process reaches a provider that is down.
	probeEvery = time.Second
	// probeWait is how long a probe waits for a message, and then leaves the turn
	// to the lane's other sources.
	probeWait = 200 * time.Millisecond
	// lookEvery is how often a lane looks whether it may pull again, and turnEvery
	// whether the probe before has left the question open.
	lookEvery = 100 * time.Millisecond
	turnEvery = 10 * time.Millisecond
)

// errNoVerdict says that a probe ended without asking the provider.
var errNoVerdict = errors.New("probe did not reach the provider")

// breaker stops a lane's pulling while its provider, or the device directory, is
// unavailable. The handler is the judge: one push.Unavailable opens it. It then
// lets one message a second through until an outcome shows that the cause is gone.
// While it is closed, the main path reads two words of it.
type breaker struct {
	cb       *gobreaker.TwoStepCircuitBreaker[struct{}]
	changed  func(why error)
	isOpen   atomic.Bool
	trip     atomic.Pointer[chan struct{}] // closed when the breaker opens
	why      atomic.Pointer[error]         // the last outcome that opened it or keeps it open
	heard    atomic.Pointer[time.Time]     // when it opened, or a receipt last came to probe with
	probed   atomic.Pointer[time.Time]     // when the handler last probed without one
	refusals refusals
}

// newBreaker makes a closed breaker. changed is told when it opens, and why, when
// the cause becomes another, and when it closes, with nil; it must not call the
// breaker.
func newBreaker(changed func(why error)) *breaker {
	b := &breaker{changed: changed}
	b.trip.Store(new(make(chan struct{})))
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  1,
		Timeout:      probeEvery,
		ReadyToTrip:  func(gobreaker.Counts) bool { return true },
		IsSuccessful: func(err error) bool { return !isUnavailable(err) },
		IsExcluded:   isNoVerdict,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case from == gobreaker.StateClosed:
				b.heard.Store(new(time.Now()))
				b.isOpen.Store(true)
				close(*b.trip.Load())
				changed(*b.why.Load())
			case to == gobreaker.StateClosed:
				b.trip.Store(new(make(chan struct{})))
				b.isOpen.Store(false)
				changed(nil)
			}
		},
	})
	return b
}

// pass waits until the lane may pull. A nil probe means that the breaker is
// closed. Otherwise one message may be pulled, and probe must be told its outcome,
// or errNoVerdict when there was none. pass returns ctx's error when ctx ends.
func (b *breaker) pass(ctx context.Context) (probe func(error), err error) {
	for ctx.Err() == nil {
		rest := lookEvery
		switch b.cb.State() {
		case gobreaker.StateClosed:
			return nil, nil
		case gobreaker.StateHalfOpen:
			if done, err := b.cb.Allow(); err == nil {
				return func(err error) { b.remember(err); done(err) }, nil
			}
			rest = turnEvery
		case gobreaker.StateOpen:
		}
		_ = sleep.For(ctx, rest) // the loop looks at ctx
	}
	return nil, ctx.Err()
}

// report tells the breaker of an outcome that was not a probe's. Only what is
// unavailable matters: it opens the breaker.
func (b *breaker) report(err error) {
	if !b.remember(err) {
		return
	}
	if done, refused := b.cb.Allow(); refused == nil {
		done(err)
	}
}

// whileClosed returns a child of ctx that ends when the breaker opens.
func (b *breaker) whileClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	tripped := *b.trip.Load()
	go func() {
		select {
		case <-tripped:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// remember keeps an outcome that says what is unavailable, and reports whether it
// does.
func (b *breaker) remember(err error) bool {
	if !isUnavailable(err) {
		return false
	}
	if old := b.why.Swap(&err); b.isOpen.Load() && causeOf(*old) != causeOf(err) {
		b.changed(err)
	}
	return true
}

// mayProbe reports whether the handler may probe without a receipt now, and notes
// that it does.
func (b *breaker) mayProbe() bool {
	if last := b.probed.Load(); last != nil && time.Since(*last) < probeEvery {
		return false
	}
	b.probed.Store(new(time.Now()))
	return true
}

// quiet is for how long no receipt has come to probe with.
func (b *breaker) quiet() time.Duration { return time.Since(*b.heard.Load()) }

// reason is why the breaker is open; nil while it is closed.
func (b *breaker) reason() error {
	if why := b.why.Load(); why != nil && b.isOpen.Load() {
		return *why
	}
	return nil
}

// isNoVerdict reports whether an outcome says nothing of the provider, because it
// was not asked.
func isNoVerdict(err error) bool {
	return errors.Is(err, errNoVerdict) || errors.Is(err, push.ErrExpired) || errors.Is(err, push.ErrNotStarted)
}

func isUnavailable(err error) bool {
	_, ok := errors.AsType[*push.UnavailableError](err)
	return ok
}

// cause is what keeps a lane from pulling.
type cause uint8

const (
	providerDown  cause = iota + 1
	directoryDown       // the provider was not asked
	refusedAlike        // the provider works, and refuses everything for one reason
)

// causeOf is the cause that an outcome names; 0 for none.
func causeOf(err error) cause {
	down, ok := errors.AsType[*push.UnavailableError](err)
	switch {
	case !ok:
		return 0
	case down.Directory:
		return directoryDown
	}
	if _, refused := errors.AsType[*refusalError](err); refused {
		return refusedAlike
	}
	return providerDown
}
