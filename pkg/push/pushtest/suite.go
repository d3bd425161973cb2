package pushtest

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// Subject is the handler that [TestHandler] examines.
type Subject struct {
	// New makes a fresh handler, not yet initialised, for each check. delivered,
	// if it is not nil, counts what that handler has delivered so far.
	New func(tb testing.TB) (h push.Handler, delivered func() int)
	// Config is one with which Init succeeds and the handler delivers what it is
	// given. It allows for at least 16 receipts waiting.
	Config string
	// Disabled is one with which Init succeeds and the handler is not ready. Empty
	// stands for {"enabled":false}.
	Disabled string
	// Invalid are some that Init refuses.
	Invalid []string
}

// TestHandler checks, in subtests, that a handler keeps the promises of
// [push.Handler], and of [push.Reporter], [push.Drainer] and [push.Expirer] as far
// as it makes them: that it comes up, refuses and is disabled as its config says;
// that it takes receipts of every shape and changes none; that each receipt it
// takes has one outcome, also when it is stopped or cancelled meanwhile; that it
// can be stopped any number of times, whoever still sends, and started again; and
// that no goroutine is left.
func TestHandler(t *testing.T, s Subject) {
	t.Helper()
	for name, check := range checks() {
		t.Run(name, func(t *testing.T) { s.examine(t, check) })
	}
}

func checks() map[string]func(*bench) {
	return map[string]func(*bench){
		"before Init":    (*bench).beforeInit,
		"disabled":       (*bench).disabled,
		"refused config": (*bench).refused,
		"delivers":       (*bench).delivers,
		"odd receipts":   (*bench).oddReceipts,
		"stops":          (*bench).stops,
		"stops any time": (*bench).stopsUnderLoad,
		"drains":         (*bench).drains,
		"starts again":   (*bench).startsAgain,
	}
}

func (s Subject) examine(tb testing.TB, check func(*bench)) {
	tb.Helper()
	b := &bench{TB: tb, Subject: s}
	b.handler, b.count = s.New(tb)
	noneLeft(tb, func() { check(b) })
}

func (b *bench) beforeInit() {
	b.stop()
	if b.handler.IsReady() {
		b.Error("handler is ready before Init")
	}
}

func (b *bench) disabled() {
	b.mustInit(cmp.Or(b.Disabled, `{"enabled":false}`))
	b.wantIdle("although it is disabled")
	b.stop()
}

func (b *bench) refused() {
	for _, config := range b.Invalid {
		if err := b.handler.Init(config); err == nil || err.Error() == "" {
			b.Errorf("Init(%s) = %v, want an error that says what is wrong", config, err)
		}
		b.wantIdle("although its config was refused")
		b.stop()
	}
	b.start()
	b.stop()
}

func (b *bench) delivers() {
	b.start()
	b.deliverSome()
	b.stop()
}

func (b *bench) deliverSome() {
	const some = 100
	before := 0
	if b.count != nil {
		before = b.count()
	}
	var l ledger
	for range some {
		b.give(l.receipt(b.TB))
	}
	b.settled(&l)
	for _, err := range l.outcomes() {
		if err != nil {
			b.Errorf("outcome is %v, want nil", err)
		}
	}
	if b.count != nil {
		eventually(b.TB, "what was taken is delivered", func() bool { return b.count() == before+some })
	}
}

func (b *bench) oddReceipts() {
	b.start()
	var l ledger
	for _, r := range oddReceipts() {
		if h, ok := b.handler.(push.Expirer); ok {
			h.TTL(r)
		}
		b.give(l.track(b.TB, r))
	}
	b.settled(&l)
	for _, err := range l.outcomes() {
		if p := new(push.PanicError); errors.As(err, &p) {
			b.Errorf("handler panicked: %v\n%s", p.Value, p.Stack)
		}
	}
	b.stop()
	l.wantContents(b.TB, oddReceipts())
}

func (b *bench) stops() {
	b.start()
	var l ledger
	for range 10 {
		b.give(l.receipt(b.TB))
	}
	for range 3 {
		b.stop()
	}
	b.settled(&l)
	b.wantIdle("after Stop")
	var stoppers sync.WaitGroup
	for range 8 {
		stoppers.Go(b.handler.Stop)
	}
	within(b.TB, "eight Stops at a time", stoppers.Wait)
}

func (b *bench) stopsUnderLoad() {
	b.start()
	ledgers := make([]ledger, 4)
	var senders, stoppers sync.WaitGroup
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	for i := range ledgers {
		senders.Go(func() { b.sendPastStop(&ledgers[i], begin) })
	}
	within(b.TB, "senders are heard", func() { <-begun })
	for range 3 {
		stoppers.Go(b.handler.Stop)
	}
	within(b.TB, "three Stops under load", stoppers.Wait)
	within(b.TB, "senders end", senders.Wait)
	for i := range ledgers {
		b.settled(&ledgers[i])
	}
}

// sendPastStop sends until the handler has stopped, and then some more. It calls
// taken whenever a receipt was taken.
func (b *bench) sendPastStop(l *ledger, taken func()) {
	for last := 100; last > 0; {
		if b.send(l.receipt(b.TB)) {
			taken()
		}
		if !b.handler.IsReady() {
			last--
		}
	}
}

func (b *bench) drains() {
	h, ok := b.handler.(push.Drainer)
	b.start()
	var l ledger
	for range 100 {
		b.send(l.receipt(b.TB))
	}
	if ok {
		over, cancel := context.WithCancel(b.Context())
		cancel()
		within(b.TB, "Drain without time", func() { _ = h.Drain(over) }) // how far it came is its own matter
		b.settled(&l)
		within(b.TB, "Drain", func() {
			if err := h.Drain(b.Context()); err != nil {
				b.Errorf("Drain with time: %v", err)
			}
		})
	} else {
		b.stop()
	}
	b.settled(&l)
	b.wantIdle("after Drain")
}

func (b *bench) startsAgain() {
	for range 3 {
		b.start()
		b.deliverSome()
		b.stop()
	}
}
