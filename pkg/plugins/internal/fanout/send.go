package fanout

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// send begins to send to one target; what becomes of it is noted, and the target
// settled.
func (f *Fanout[M]) send(ctx context.Context, made Renderer[M], rd *round[M], t *target[M], tally *tally) {
	settle := func(a line.Answer) {
		if t.settle() {
			tally.note(t.device, a)
			f.crew.settled(rd, t)
		}
	}
	defer func() {
		if v := recover(); v != nil { // in a goroutine of ours nobody else would
			settle(line.Answer{Fate: line.Again, Tried: true, Err: &push.PanicError{Value: v, Stack: debug.Stack()}})
		}
	}()
	m := t.render(made, tally.receipt)
	sent := time.Now()
	f.way.Line.Start(ctx, f.way.Call(t.device, m), func(a line.Answer) {
		switch {
		case a.Fate != line.Gone || t.isChannel():
			settle(a)
		case f.way.Line.Blocking:
			settle(f.forget(ctx, t, sent, a))
		default: // who calls back does not wait for the directory
			go func() { settle(f.forget(ctx, t, sent, a)) }()
		}
	})
}

// forget has a dead token removed. If that is not possible the target remains, so
// that another attempt does.
func (f *Fanout[M]) forget(ctx context.Context, t *target[M], sent time.Time, a line.Answer) line.Answer {
	if !a.AsOf.IsZero() {
		sent = a.AsOf
	}
	if err := f.directory.Gone(ctx, t.device, sent, a.Code); err != nil {
		return line.Answer{Fate: line.Again, Tried: true, Err: fmt.Errorf("remove a dead token: %w", err)}
	}
	return a
}

// One is the outcome of a receipt that is sent as a whole, to no device: for handlers
// that have no targets.
func One(r *push.Receipt, a line.Answer) error {
	t := newTally(r)
	t.note(push.Device{}, a)
	t.report()
	return t.outcome()
}
