package push

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// stopGrace is how long Stop lets running work finish.
const stopGrace = 10 * time.Second

// Work is what a handler made with [Adapt] does, once it is configured.
type Work struct {
	// Handle carries r to the provider and reports what became of it as
	// [Receipt.Done] wants it: nil for delivered, and otherwise an error whose type
	// is the instruction. It does not call Done itself. ctx ends when the config's
	// timeout has passed, and with the cause [ErrStopping] when the handler stops
	// and its grace is over. A panic becomes a [PanicError]. Handle runs in as many
	// goroutines at once as the config's concurrency says.
	Handle func(ctx context.Context, r *Receipt) error
	// Start is for work that waits for answers, instead of Handle: it begins the work and
	// returns, and no goroutine waits. It calls done once, from any goroutine and perhaps
	// before it returns, with what Handle returns; ctx is as Handle's, and ends with that
	// call. Start does not wait for long, since the receipts behind r wait for it. A
	// panic of it is a [PanicError] unless done was called before.
	Start func(ctx context.Context, r *Receipt, done func(error))
	// Weight is how many of the config's concurrency r takes from its start to its
	// outcome, such as one for each of its targets; nil when each takes one. Up to 8 it
	// does not wait for heavier receipts, which begin in their turn, until they weigh twice
	// the concurrency. It is for Start alone.
	Weight func(r *Receipt) int
	// Room is how much of the concurrency there is now, for work of up to 8; nil for all of
	// it. It is for Start alone, and does not block.
	Room func() int
	// TTL is [Expirer]'s; nil when the notifications never go stale.
	TTL func(r *Receipt) time.Duration
	// Check is [Checker]'s; nil when there is nothing to look at.
	Check func(ctx context.Context) []Finding
	// Probe is [Prober]'s, and may run beside Handle; nil when the handler cannot tell.
	Probe func(ctx context.Context) error
	// Route is [Router]'s, and may run beside Handle; nil when the handler cannot
	// tell.
	Route func(ctx context.Context, r *Receipt) ([]Route, error)
	// Test is [Tester]'s, and may run beside Handle; nil when the handler has no devices.
	Test func(ctx context.Context, d Device, token string) (Tested, bool)
	// Reaches is [Reacher]'s; nil when the handler sends to all devices of its provider.
	Reaches func(d Device) bool
	// Activates is [Activator]'s; nil when devices need no activation.
	Activates func(d Device) bool
	// Channels is [Channeler]'s; nil when the provider keeps no subscribers.
	Channels *Channels
	// Notifies is [Notifier]'s: the handler shows notifications on users' devices.
	Notifies bool
	// Retry is [Retrier]'s; zero when the worker's policy suits the handler.
	Retry RetryConfig
	// State is [Stater]'s, and may run beside Handle; nil when there is nothing to say.
	State func() State
	// Warnings are [Warner]'s, a sentence each; nil when nothing deserves a look.
	Warnings []string
	// Classes and Measure are [Metered]'s; nil when the handler measures nothing.
	Classes []string
	Measure func(told Answered)
	// Close releases what setup acquired, after the last outcome; nil when there is
	// nothing to release.
	Close func()
	// Concurrency is the concurrency when the config has none; 0 means 1.
	Concurrency int
}

// Adapter makes a whole [Handler] of a function: it owns the channel, the workers,
// the deadlines and the stopping. It is also a [Reporter], a [Drainer], an [Expirer],
// a [Checker], a [Prober], a [Router], a [Retrier], a [Stater], a [Warner], a [Metered], a [Divider], a [Tester],
// a [Reacher], an [Activator], a [Channeler] and an [Addresser]. All methods are safe for concurrent use.
type Adapter struct {
	setup     func(jsonconf string) (Work, error)
	toDevices bool
	address   func(jsonconf string, d Device) (Device, error)
	mu        sync.Mutex // held by Init
	pool      atomic.Pointer[pool]
}

var (
	_ Reporter = (*Adapter)(nil)
	_ Drainer  = (*Adapter)(nil)
	_ Expirer  = (*Adapter)(nil)
	_ Checker  = (*Adapter)(nil)
	_ Prober   = (*Adapter)(nil)
	_ Router   = (*Adapter)(nil)
	_ Retrier  = (*Adapter)(nil)
	_ Stater   = (*Adapter)(nil)
	_ Warner   = (*Adapter)(nil)
	_ Metered  = (*Adapter)(nil)
	_ Notifier = (*Adapter)(nil)
	_ Divider  = (*Adapter)(nil)
	_ Tester   = (*Adapter)(nil)

	_ Reacher   = (*Adapter)(nil)
	_ Activator = (*Adapter)(nil)
	_ Channeler = (*Adapter)(nil)
	_ Addresser = (*Adapter)(nil)
)

// Adapt makes a handler. Each Init reads the keys of [Common] from its config,
// unless that disables the handler hands the whole text to setup, and starts the
// workers. setup reports every fault of its own keys at once (see [DecodeConfig])
// and starts nothing that Work.Close does not end.
func Adapt(setup func(jsonconf string) (Work, error)) *Adapter {
	return &Adapter{setup: setup}
}

// Init implements [Handler]. Empty text is an empty config. A disabled handler is
// initialised without error and is not ready. After an error nothing runs. Init
// may follow Stop; it is an error while the handler is running.
func (a *Adapter) Init(jsonconf string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.IsReady() {
		return errors.New("handler is already initialised: stop it before another Init")
	}
	common, err := parseCommon(jsonconf)
	if errors.Is(err, errConfigText) || err == nil && !common.Enabled {
		return err
	}
	work, setupErr := a.setup(jsonconf)
	if setupErr == nil && (work.Handle == nil) == (work.Start == nil) {
		setupErr = errors.New("handler has not exactly one of the functions Handle and Start: its setup must return one")
	}
	if err := errors.Join(err, setupErr); err != nil {
		if work.Close != nil {
			work.Close()
		}
		return err
	}
	a.pool.Store(newPool(work, common))
	return nil
}

// IsReady implements [Handler]: it is true between an Init of an enabled handler
// and Stop.
func (a *Adapter) IsReady() bool {
	p := a.pool.Load()
	return p != nil && !p.stopping.Load()
}

// Push implements [Handler]. The channel is nil until Init has enabled the
// handler. Once the handler stops no send on it succeeds any more.
func (a *Adapter) Push() chan<- *Receipt {
	if p := a.pool.Load(); p != nil {
		return p.in
	}
	return nil
}

// Stop implements [Handler]: it is [Adapter.Drain] with a grace of 10 s.
func (a *Adapter) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace) //nolint:forbidigo // Handler.Stop gets no context
	defer cancel()
	_ = a.Drain(ctx) // says what Done has already said
}

// Drain implements [Drainer]. What the handler has not started is handed back
// before Drain first waits. Work that ignores its cancellation is given half a
// second and then left alone. The result is nil if no work had to be cancelled.
func (a *Adapter) Drain(ctx context.Context) error {
	if p := a.pool.Load(); p != nil {
		return p.drain(ctx)
	}
	return nil
}

// TTL implements [Expirer] with Work.TTL; without one it is 0, for ever.
func (a *Adapter) TTL(r *Receipt) time.Duration {
	if p := a.pool.Load(); p != nil && p.work.TTL != nil {
		return p.work.TTL(r)
	}
	return 0
}

// ReportsOutcome implements [Reporter].
func (*Adapter) ReportsOutcome() {}

// Notifies implements [Notifier] with Work.Notifies.
func (a *Adapter) Notifies() bool {
	p := a.pool.Load()
	return p != nil && p.work.Notifies
}
