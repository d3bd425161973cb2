package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// dropRest is how long an intake rests after a drop, so that a full handler does not
// turn the backlog over and over.
const dropRest = 100 * time.Millisecond

var (
	errWouldBlock = errors.New("handler's channel is full")
	errNotReady   = errors.New("handler is not ready")
	errStopped    = errors.New("lane has stopped pulling")
)

// intake pulls from one source of a lane. Fresh receipts, retries and suspects
// have an intake each, with slots of their own, so that none starves another.
type intake struct {
	lane    *Lane
	source  Source
	slots   *slots
	room    *room
	settled *settledTable
	private bool // only this lane reads the source
	first   bool // pulls before the others when the lane starts
	limits  push.Limits
}

func newIntake(l *Lane, source Source, n int, bytes int64, private bool) *intake {
	in := &intake{
		lane: l, source: source, slots: newSlots(n), room: newRoom(bytes), settled: new(settledTable), private: private,
		limits: l.limits,
	}
	if private { // was within the limits once, and has grown by the devices that are done
		in.limits = grown(l.limits)
	}
	return in
}

// run pulls until ctx ends or the source is gone.
func (in *intake) run(ctx context.Context) error {
	if !in.first {
		_ = sleep.For(ctx, headStart) // if ctx ends, mayPull says so
	}
	most := cap(in.slots.free)
	reserved := make([]int32, 0, most)
	single, dropped := false, false
	for {
		// The slot comes before the turn to probe: there is one turn, and no time after which it
		// would end. An intake whose slots are all held must not have it, or nobody probes.
		if reserved = in.slots.reserve(ctx, reserved[:0]); len(reserved) == 0 {
			return nil // ctx has ended: that is how an intake stops
		}
		probe, err := in.lane.mayPull(ctx)
		if err != nil {
			return nil //nolint:nilerr // ctx has ended
		}
		if probe == nil && !single && !dropped { // one shows whether the handler has room again
			reserved = in.slots.linger(ctx, reserved, most)
		}
		p := pull{in: in, reserved: reserved, single: single, probe: probe}
		if err := p.run(ctx); err != nil {
			return err
		}
		single, dropped = p.refused, p.dropped
	}
}

// admit takes d through the checks before the handler and offers it to the
// handler. It reports whether the handler dropped it.
func (in *intake) admit(d *delivery) (dropped bool) { return !in.quarantine(d) && in.try(d) }

// try decodes the receipt and offers it to the handler, which may drop it.
func (in *intake) try(d *delivery) (dropped bool) {
	r, bad, err := push.Decode(d.data, in.limits)
	if err != nil {
		d.leaving.Store(true)
		d.bury(reasonOf(err), err)
		return false
	}
	d.receipt, d.targets = r, targets(r.To, r.Channel)
	in.room.take(d.weighs(decodedWeight(r, bad)))
	d.queued = d.origin.delivery()
	r.Stamp(&d.queued)
	if !in.private && d.origin.Deliveries <= 1 {
		in.lane.metrics.skew.look(in.lane, r, d.origin)
	}
	if len(bad) > 0 {
		in.lane.store(func() { in.withoutBad(d, bad) })
		return false
	}
	return in.lane.offer(d)
}

// withoutBad writes a letter for the recipients that could not be read and then
// offers the rest, which is all that comes back if it has to be tried again.
func (in *intake) withoutBad(d *delivery, bad []push.BadRecipient) {
	err := fmt.Errorf("%d recipients could not be read; the first: %w", len(bad), bad[0].Err) // the keys may be tokens by mistake
	if d.targets == 0 {
		d.leaving.Store(true)
		d.writeAndAck(retry.Malformed, err)
		return
	}
	letter := d.letter(retry.Malformed, err, d.origin.Attempts)
	letter.ID += ":unreadable" // the rest may get a letter, too
	if d.write(letter) != nil {
		d.handBack(push.ErrNotStarted)
		return
	}
	if rest, err := push.Narrow(d.data, d.receipt.To, d.receipt.Channel); err == nil {
		d.data, d.origin.Narrowed = rest, true
	}
	in.lane.metrics.letters[retry.Malformed].Inc()
	d.logLine(leftOutLine, err)
	d.due = time.Now() // the letter may have waited for hours
	in.lane.offer(d)
}
