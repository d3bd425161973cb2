package fanout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

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
	room      *semaphore.Weighted // counts recipients
	crew      crew[M]
}

// New makes a fanout. Two receipts that fill the line's places have room, so that one
// begins before the last targets of the other are done.
func New[M any](directory push.Directory, way Way[M]) *Fanout[M] {
	places := way.Line.InFlight
	f := &Fanout[M]{way: way, directory: directory, room: semaphore.NewWeighted(2 * int64(places))}
	f.crew.places = places
	return f
}

// smallReceipt is up to how many recipients a receipt begins without waiting for
// larger ones.
const smallReceipt = 8

// Begin is [push.Work.Begin]: receipts begin when there is room, so that what is kept
// for the targets of those that have begun is bounded.
func (f *Fanout[M]) Begin(ctx context.Context, r *push.Receipt) (end func(), err error) {
	n := int64(len(r.To))
	if n <= smallReceipt {
		return nothingToEnd, nil
	}
	n = min(n, int64(f.crew.places))
	if err := f.room.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("wait for larger receipts: %w", context.Cause(ctx))
	}
	return func() { f.room.Release(n) }, nil
}

func nothingToEnd() {}

// Work adds to what a provider's handler does what all of them do.
func (f *Fanout[M]) Work(w push.Work) push.Work {
	w.Begin, w.Handle, w.Route, w.Test, w.Notifies = f.Begin, f.Handle, f.Route, f.Test, true
	w.Classes, w.Measure, w.Concurrency = line.Classes(), f.way.Line.Measure, f.way.Line.InFlight
	return w
}

// Handle is [push.Work.Handle].
func (f *Fanout[M]) Handle(ctx context.Context, r *push.Receipt) error {
	outcome := make(chan error, 1)
	f.Start(ctx, r, func(err error) { outcome <- err })
	return <-outcome
}

// Start sends r to all its targets. It calls done once, from any goroutine and
// perhaps before it returns, with the instruction for what remains.
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
	devices, damaged, err := f.devices(ctx, r)
	if err != nil {
		done(err)
		return
	}
	j := &job[M]{Fanout: f, ctx: ctx, made: made, tally: newTally(r), done: done}
	j.tally.wait(damaged)
	j.round.targets = f.targets(made, r, devices, j.tally)
	if f.way.Batch > 1 {
		j.round.targets = f.together(made, r, j.round.targets)
	}
	if len(j.round.targets) == 0 {
		j.end()
		return
	}
	j.round.job = j
	j.round.left.Store(int64(len(j.round.targets)))
	f.crew.run(&j.round)
}

// nothing is what becomes of a receipt about which there is nothing to send.
func (f *Fanout[M]) nothing() push.Target {
	return push.Target{Result: push.ResultSkipped, Why: f.way.Name + " has nothing to send for what happened"}
}

// devices looks the users' devices up, all at once. The record of some users may be
// damaged: then the devices are those of the others.
func (f *Fanout[M]) devices(ctx context.Context, r *push.Receipt) (devices map[push.Uid][]push.Device, damaged *push.UnreadableError, err error) {
	if len(r.To) == 0 {
		return nil, nil, nil
	}
	devices, err = f.directory.Devices(ctx, slices.Collect(maps.Keys(r.To)), f.way.Provider)
	damaged, some := errors.AsType[*push.UnreadableError](err)
	switch {
	case err == nil || some:
		return devices, damaged, nil
	case errors.Is(context.Cause(ctx), push.ErrStopping):
		return nil, nil, fmt.Errorf("look up devices: %w", err)
	}
	return nil, nil, push.DirectoryUnavailable(fmt.Errorf("look up devices: %w", err))
}
