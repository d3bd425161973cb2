package fanout

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// job is what the targets of one receipt share.
type job[M any] struct {
	*Fanout[M]
	ctx   context.Context //nolint:containedctx // the receipt's own, which lives as long
	made  Renderer[M]
	tally *tally
	round round[M]
	done  func(error)
}

// send begins to send to one target; what becomes of it is noted, and the target
// settled.
func (j *job[M]) send(t *target[M]) {
	defer func() {
		if v := recover(); v != nil { // in a goroutine of ours nobody else would
			j.settle(t, line.Answer{Fate: line.Again, Tried: true, Err: &push.PanicError{Value: v, Stack: debug.Stack()}})
		}
	}()
	m := t.render(j.made, j.tally.receipt)
	sent := time.Now()
	if len(t.devices) > 0 {
		j.sendTogether(t, m, sent)
		return
	}
	j.way.Line.Start(j.ctx, j.way.Call(t.device, m), func(a line.Answer) { j.answered(t, sent, a) })
}

func (j *job[M]) answered(t *target[M], sent time.Time, a line.Answer) {
	switch {
	case a.Fate != line.Gone || t.isChannel():
		j.settle(t, a)
	default: // a callback does not wait for the directory
		go func() { j.settle(t, j.forget(j.ctx, t.device, sent, a)) }()
	}
}

// settle notes what became of a target, once.
func (j *job[M]) settle(t *target[M], a line.Answer) {
	if t.over.Swap(true) {
		return
	}
	if t.devices == nil {
		j.tally.note(t.device, a)
	}
	for i, d := range t.devices {
		j.tally.note(d, said(a, i))
	}
	j.crew.settled(&j.round, t)
}

// end tells the outcome, when all targets are settled.
func (j *job[M]) end() {
	j.tally.report()
	j.done(j.tally.outcome())
}

// forget has a dead token removed. If that is not possible the target remains, so
// that another attempt does.
func (f *Fanout[M]) forget(ctx context.Context, d push.Device, sent time.Time, a line.Answer) line.Answer {
	if !a.AsOf.IsZero() {
		sent = a.AsOf
	}
	if err := f.directory.Gone(ctx, d, sent, a.Code); err != nil {
		return line.Answer{Fate: line.Again, Tried: true, Err: fmt.Errorf("remove a dead token: %w", err)}
	}
	return a
}

// Result is what became of one target. A target is a device, a user (whose Device has no
// id), or the receipt's channel (whose Device is zero).
type Result struct {
	Device push.Device
	Answer line.Answer
}

// Settle is the outcome of a receipt that was sent to all its targets in one request.
func Settle(r *push.Receipt, results []Result) error {
	t := newTally(r)
	for _, of := range results {
		t.note(of.Device, of.Answer)
	}
	t.report()
	return t.outcome()
}
