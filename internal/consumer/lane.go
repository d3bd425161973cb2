package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/internal/tracing"
	"github.com/pushworker/pushworker/pkg/push"
)

// Config says what a lane is made of. Every field is needed unless it says
// otherwise.
type Config struct {
	// Name is the handler's name, and that of the lane's durables.
	Name    string
	Handler push.Handler
	// Fresh deliver new receipts, each those of a stream, Retries those that come back, and
	// Suspects those that run alone, one at a time.
	Fresh             []Source
	Retries, Suspects Source
	Scheduler         Scheduler
	DeadLetters       DeadLetters
	Policy            retry.Policy
	Limits            push.Limits
	// MaxBytes bounds the memory that the lane's messages take; zero is
	// [DefaultMaxBytes].
	MaxBytes int64
	// AckWait is after how much silence the broker redelivers; heartbeats are sent
	// at a third of it.
	AckWait time.Duration
	// Grace is how long a stopping lane waits for work in flight. Retries and dead
	// letters on their way to the broker have StoreMoment more.
	Grace   time.Duration
	Metrics *Metrics
	// Observer hears what becomes of receipts; it may be zero.
	Observer Observer
	// Tracer makes spans of what becomes of receipts that are traced; nil for none.
	Tracer *tracing.Tracer
	// Marks is shared by the lanes of a process; nil is for a lane on its own.
	Marks *Marks
	Log   zerolog.Logger
}

// Lane is one handler fed from its durables. Make one with [New], call Run once.
type Lane struct {
	name        string
	handler     push.Handler
	reports     bool
	intakes     []*intake
	scheduler   Scheduler
	deadLetters DeadLetters
	policy      retry.Policy
	limits      push.Limits
	ackWait     time.Duration
	grace       time.Duration
	breaker     *breaker
	order       *order
	marks       *Marks
	badges      *markTable
	metrics     *laneMetrics
	observer    Observer
	tracer      *tracing.Tracer
	log         zerolog.Logger
	folds       folds

	storing  atomic.Int64    // retries and letters on their way to the broker
	settling context.Context //nolint:containedctx // Run's context and some time more: settling outlives pulling
	pulling  context.Context //nolint:containedctx // ends when the pulling does: what waits for a store then lets go
	retries  storage
	letters  storage
	running  atomic.Bool // pulling
	atStop   atomic.Int64
	returned returned
	drops    atomic.Uint64
}

// New makes a lane. The handler must have been initialised: the capacity of its
// channel is how many messages the lane holds, one quarter of it for retries, and
// one besides for a suspect. Of the bytes that it may hold, retries have a quarter and
// the suspect an eighth. The rest is for fresh receipts, a like share for each source.
func New(c Config) *Lane {
	_, reports := c.Handler.(push.Reporter)
	l := &Lane{
		name: c.Name, handler: c.Handler, reports: reports, scheduler: c.Scheduler, deadLetters: c.DeadLetters,
		policy: c.Policy, limits: c.Limits, ackWait: c.AckWait, grace: c.Grace, observer: c.Observer, tracer: c.Tracer,
		log: c.Log.With().Str("handler", c.Name).Logger(),
	}
	l.retries.what, l.letters.what, l.letters.final = "retries", "dead letters", true
	l.breaker = newBreaker(l.breakerChanged)
	l.marks = cmp.Or(c.Marks, NewMarks())
	l.badges = l.marks.badges(c.Name)
	total := max(2, cap(c.Handler.Push()))
	retries := max(1, total/4)
	l.order = newOrder(total / 2)
	eighth := max(1, cmp.Or(c.MaxBytes, DefaultMaxBytes)/8)
	sources := max(1, len(c.Fresh))
	for _, source := range c.Fresh {
		l.intakes = append(l.intakes, newIntake(l, source, max(1, (total-retries)/sources), max(1, 5*eighth/int64(sources)), false))
	}
	suspects := newIntake(l, c.Suspects, 1, eighth, true)
	suspects.first = true
	l.intakes = append(l.intakes, newIntake(l, c.Retries, retries, 2*eighth, true), suspects)
	// Last: whoever scrapes sees the lane from here on.
	l.metrics = c.Metrics.lane(c.Name, laneGauges{
		held:  func() float64 { return float64(l.held()) },
		slots: func() float64 { return float64(l.capacity()) },
		bytes: func() float64 { return float64(l.heldBytes()) },
		most:  func() float64 { return float64(cmp.Or(c.MaxBytes, DefaultMaxBytes)) },
		open:  func() float64 { return number(l.State().BreakerOpen) },
	})
	return l
}

// Run pulls and settles until ctx ends, then stops in two phases: pulling ends at
// once; the handler hands back what it has not started and has what is left of the grace
// for the rest, with heartbeats going on. The grace begins when ctx ends. It returns
// nil after a clean stop, an error wrapping [ErrUnfinished] when work had to be cancelled
// (and was handed back), and one wrapping [ErrSourceGone] when the queue vanished.
func (l *Lane) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	handling, handled := sleep.Past(ctx, l.grace)
	defer handled()
	settling, settled := sleep.Past(ctx, l.grace+StoreMoment)
	defer settled()
	l.pulling, l.settling = ctx, settling
	beating, stopBeating := context.WithCancel(settling)
	var heart sync.WaitGroup
	heart.Go(func() { l.heartbeats(beating) })
	heart.Go(func() { l.summaries(beating) })

	l.running.Store(true)
	err := l.pullAll(ctx, stop)
	l.atStop.Store(int64(l.held()))
	l.running.Store(false)
	err = errors.Join(err, l.drain(handling))

	stopBeating()
	heart.Wait()
	return err
}

// pullAll runs every intake until ctx ends or one of the sources is gone, with which it
// ends ctx.
func (l *Lane) pullAll(ctx context.Context, stop context.CancelCauseFunc) error {
	var pullers sync.WaitGroup
	for _, in := range l.intakes {
		pullers.Go(func() {
			if err := in.run(ctx); err != nil {
				stop(err)
			}
		})
	}
	pullers.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, ErrSourceGone) {
		return cause
	}
	return nil
}

// mayPull waits until the handler and its provider can take receipts. The result
// is breaker.pass's.
func (l *Lane) mayPull(ctx context.Context) (probe func(error), err error) {
	for !l.handler.IsReady() {
		if err := sleep.For(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
	return l.breaker.pass(ctx)
}

// pulls reports whether mayPull would not wait.
func (l *Lane) pulls() bool { return l.handler.IsReady() && !l.breaker.isOpen.Load() }

// Ready says why the lane cannot do its work now, or nil. A provider that is down
// is no reason: it comes back by itself.
func (l *Lane) Ready() error {
	why := l.breaker.reason()
	switch {
	case !l.running.Load():
		return fmt.Errorf("lane %s: not pulling", l.name)
	case causeOf(why) == directoryDown:
		return fmt.Errorf("lane %s: device directory unavailable: %w", l.name, why)
	case causeOf(why) == refusedAlike:
		return fmt.Errorf("lane %s: stopped: %w", l.name, why)
	}
	return errors.Join(l.retries.fault(l.name), l.letters.fault(l.name))
}

// State is what a lane of this process knows of itself.
type State struct {
	// Held counts the messages in this process's hands.
	Held int
	// Dropped counts the receipts handed back since the start because the handler
	// was not ready or its channel would block.
	Dropped uint64
	// BreakerOpen says that the provider is unavailable, or refuses everything, and
	// the lane does not pull; BreakerError says why, and what to do about it.
	BreakerOpen  bool
	BreakerError string
	// Waiting says what else keeps the lane from pulling: the device directory is
	// unavailable.
	Waiting string
}

// State returns the lane's present state. Safe for concurrent use.
func (l *Lane) State() State {
	s := State{Held: l.held(), Dropped: l.drops.Load()}
	switch why := l.breaker.reason(); causeOf(why) {
	case 0:
	case directoryDown:
		s.Waiting = "device directory unavailable: " + why.Error()
	case providerDown, refusedAlike:
		s.BreakerOpen, s.BreakerError = true, why.Error()
	}
	return s
}

// HeldAtStop is how many messages the lane held when it had stopped pulling.
func (l *Lane) HeldAtStop() int { return int(l.atStop.Load()) }

// Name is the handler's name.
func (l *Lane) Name() string { return l.name }

func (l *Lane) breakerChanged(why error) {
	switch causeOf(why) {
	case 0:
		l.log.Info().Msg("lane resumed")
	case providerDown:
		l.log.Warn().Err(why).Msg("provider unavailable: the lane stops pulling and probes every second")
	case directoryDown:
		l.log.Warn().Err(why).Msg("device directory unavailable: the lane stops pulling and probes every second")
	case refusedAlike:
		l.log.Error().Err(why).Msg("receipts refused for the same reason: the lane stops pulling, keeps them and probes every second")
	}
}
