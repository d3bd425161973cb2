package fanout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// Way is what a provider brings; M is its message.
type Way[M any] struct {
	// Name is the provider's, as texts say it, and Provider as devices do.
	Name, Provider string
	// Line is what the messages are sent on.
	Line *line.Line
	// Mine reports whether a device of Provider is reached this way.
	Mine func(d push.Device) bool
	// Prepare makes what makes the messages of r as they are to be at now: nil when
	// there is nothing to send for what happened. An error is the outcome of r:
	// [push.ErrExpired], or that it is refused.
	Prepare func(r *push.Receipt, now time.Time) (Renderer[M], error)
	// Call is the request that carries m to d, which is zero for the channel. Its Do
	// may run at the same time as that of another target with the same message.
	Call func(d push.Device, m M) line.Call
	// Hold says why m is not to be sent now, and for how long; it is skipped if there is no
	// time. It is empty if m is to be sent. May be nil.
	Hold func(m M) (why string, wait time.Duration)
	// Batch is how many devices one request may go to whose messages are equal, as Go
	// compares them, and Room how many bytes their tokens may have; 0 for one device.
	Batch, Room int
	// Together is the request that carries m to several devices: its Keys are theirs, in
	// their order.
	Together func(to []push.Device, m M) line.Call
	// Text is m as JSON that people may read, without the address.
	Text func(m M) ([]byte, error)
}

// Renderer makes the messages of one receipt, several at once. What they share is to
// be read, never written.
type Renderer[M any] interface {
	// Device is the message for a device of a user.
	Device(d push.Device, to push.Recipient) M
	// Channel is the message for the subscribers of the receipt's channel; false when
	// it has none, or this provider knows none.
	Channel() (m M, ok bool, err error)
	// Silent reports whether m shows nothing to this recipient, which is zero for the
	// channel.
	Silent(m M, to push.Recipient) bool
}

// Chooser is a [Renderer] that has nothing for some devices.
type Chooser interface {
	// Skip says why d gets nothing; empty when it gets its message. all are the user's
	// devices, to be read only.
	Skip(d push.Device, to push.Recipient, all []push.Device) (why string)
}

// Fanout carries receipts to their targets. Its methods are safe for concurrent use.
type Fanout[M any] struct {
	way       Way[M]
	directory push.Directory
	crew      crew[M]
}

// New makes a fanout.
func New[M any](directory push.Directory, way Way[M]) *Fanout[M] {
	f := &Fanout[M]{way: way, directory: directory}
	f.crew.places = way.Line.Room
	return f
}

// Weight is [push.Work.Weight]: receipts begin when there is room, so that what is kept
// for the targets of those that have begun is bounded. How many devices a user has is
// not known yet.
func Weight(r *push.Receipt) int { return len(r.To) }

// Work adds to what a provider's handler does what all of them do.
func (f *Fanout[M]) Work(w push.Work) push.Work {
	w.Start, w.Weight, w.Route, w.Test, w.Notifies, w.Reaches = f.Start, Weight, f.Route, f.Test, true, f.reaches
	w.Classes, w.Measure = line.Classes(), f.way.Line.Measure
	w.Concurrency, w.Room = f.way.Line.Places(), f.way.Line.Room
	return w
}

// reaches reports whether d is a device that messages go to.
func (f *Fanout[M]) reaches(d push.Device) bool { return d.For(f.way.Provider) && f.way.Mine(d) }

// Start is [push.Work.Start]: it sends r to all its targets.
func (f *Fanout[M]) Start(ctx context.Context, r *push.Receipt, done func(error)) {
	made, err := f.way.Prepare(r, time.Now())
	switch {
	case err != nil:
		done(err)
		return
	case made == nil:
		r.Tally(push.Targets{Skipped: max(1, len(r.To))})
		r.Itemize([]push.Target{f.nothing()})
		done(nil)
		return
	}
	j := &job[M]{Fanout: f, ctx: ctx, made: made, tally: newTally(r), done: done}
	if len(r.To) == 0 {
		j.begin(nil, nil)
		return
	}
	push.Find(ctx, f.directory, slices.AppendSeq(make([]push.Uid, 0, len(r.To)), maps.Keys(r.To)), f.way.Provider, j.begin)
}

// nothing is what becomes of a receipt about which there is nothing to send.
func (f *Fanout[M]) nothing() push.Target {
	return push.Target{Result: push.ResultSkipped, Why: f.way.Name + " has nothing to send for what happened"}
}

// devices looks the users' devices up, and waits.
func (f *Fanout[M]) devices(ctx context.Context, r *push.Receipt) (devices map[push.Uid][]push.Device, damaged *push.UnreadableError, err error) {
	if len(r.To) == 0 {
		return nil, nil, nil
	}
	devices, err = f.directory.Devices(ctx, slices.Collect(maps.Keys(r.To)), f.way.Provider)
	damaged, err = readable(ctx, err)
	return devices, damaged, err
}

// readable is what the error of a look-up means: that the record of some users is damaged,
// and the devices are those of the others, or the outcome of the receipt.
func readable(ctx context.Context, err error) (damaged *push.UnreadableError, outcome error) {
	damaged, some := errors.AsType[*push.UnreadableError](err)
	_, panicked := errors.AsType[*push.PanicError](err)
	switch {
	case err == nil || some:
		return damaged, nil
	case panicked:
		return nil, err
	case errors.Is(context.Cause(ctx), push.ErrStopping):
		return nil, fmt.Errorf("look up devices: %w", err)
	}
	return nil, push.DirectoryUnavailable(fmt.Errorf("look up devices: %w", err))
}
