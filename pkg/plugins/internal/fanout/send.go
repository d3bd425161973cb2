package fanout

import (
	"context"
	"errors"
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

// begin begins to send, when the users' devices, or err, are known. A panic is the outcome:
// the goroutine is the directory's.
func (j *job[M]) begin(devices map[push.Uid][]push.Device, err error) {
	defer func() {
		if v := recover(); v != nil {
			j.done(&push.PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	damaged, err := readable(j.ctx, err)
	if err != nil {
		j.done(err)
		return
	}
	r := j.tally.receipt
	j.tally.wait(damaged)
	j.round.targets = j.targets(j.made, r, devices, j.tally)
	if j.way.Batch > 1 {
		j.round.targets = j.together(j.made, r, j.round.targets)
	}
	if len(j.round.targets) == 0 {
		j.end()
		return
	}
	j.round.job = j
	j.round.left.Store(int64(len(j.round.targets)))
	j.crew.run(&j.round)
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
	if j.holds(t, m) {
		return
	}
	j.start(j.way.Call(t.device, m), t, func(a line.Answer) { j.answered(t, sent, a) })
}

// holds reports whether m is not to be sent now, and then settles t.
func (j *job[M]) holds(t *target[M], m M) bool {
	if j.way.Hold == nil {
		return false
	}
	why, wait := j.way.Hold(m)
	switch {
	case why == "":
		return false
	case wait > 0:
		j.settle(t, line.Answer{Fate: line.Again, Wait: wait, Code: "held", Err: errors.New(why)})
	case !t.over.Swap(true):
		j.tally.skip(t.device, why)
		j.crew.settled(&j.round, t)
	}
	return true
}

// start makes the request for t, and has it traced if the receipt is.
func (j *job[M]) start(c line.Call, t *target[M], answered func(line.Answer)) {
	if by := j.tally.receipt.Tracer(); by != nil {
		c.Note = new(line.Note)
		answered = traced(by, j.way.Provider, t, c.Note, answered)
	}
	j.way.Line.Start(j.ctx, c, answered)
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
