package pushtest

import (
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// bench is one check at work on one handler.
type bench struct {
	testing.TB
	Subject

	handler push.Handler
	count   func() int
}

func (b *bench) reports() bool {
	_, ok := b.handler.(push.Reporter)
	return ok
}

func (b *bench) mustInit(config string) {
	b.Helper()
	if err := b.handler.Init(config); err != nil {
		b.Fatalf("Init(%s): %v", config, err)
	}
}

// start initialises the handler as its user would.
func (b *bench) start() {
	b.Helper()
	b.mustInit(b.Config)
	if !b.handler.IsReady() {
		b.Fatal("handler is not ready after Init")
	}
	if b.handler.Push() == nil {
		b.Fatal("Push gives no channel after Init")
	}
}

func (b *bench) stop() {
	b.Helper()
	within(b.TB, "Stop", b.handler.Stop)
}

// wantIdle checks that the handler takes nothing, and does not mind being asked.
func (b *bench) wantIdle(when string) {
	b.Helper()
	if b.handler.IsReady() {
		b.Errorf("handler is ready %s", when)
	}
	var l ledger
	for range 3 {
		b.send(l.receipt(b.TB))
	}
	b.settled(&l)
}

// send offers r without looking whether the handler is ready, as one does who
// looked a moment before it stopped.
func (b *bench) send(e *entry) bool {
	defer func() {
		if v := recover(); v != nil {
			b.Errorf("sending on the handler's channel panicked: %v", v)
		}
	}()
	e.taken.Store(true) // before its outcome can come
	select {
	case b.handler.Push() <- e.receipt:
		return true
	default:
		e.taken.Store(false)
		return false
	}
}

// give sends e's receipt as soon as there is room for it.
func (b *bench) give(e *entry) {
	b.Helper()
	eventually(b.TB, "handler takes a receipt", func() bool { return b.send(e) })
}

// settled waits until everything in l that was taken has its outcome.
func (b *bench) settled(l *ledger) {
	b.Helper()
	if b.reports() {
		eventually(b.TB, "each receipt taken has an outcome", l.settled)
	}
}
