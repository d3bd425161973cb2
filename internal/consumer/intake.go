package consumer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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
	pullers int
}

func newIntake(l *Lane, source Source, n int, bytes int64, private bool) *intake {
	in := &intake{
		lane: l, source: source, slots: newSlots(n), room: newRoom(bytes), settled: new(settledTable), private: private,
		limits: l.limits, pullers: 1,
	}
	if private { // not in the order of a stream; was within the limits once, and has grown by the devices that are done
		in.pullers = min(2, n)
		in.limits = grown(l.limits)
	}
	return in
}

// run pulls until ctx ends or the source is gone. Two pullers of retries overlap, so
// that one request waits at the broker while the other's messages arrive. The broker
// deals fresh ones out to two requests in turn, which loses their order: they have one.
func (in *intake) run(ctx context.Context) error {
	if !in.first {
		_ = sleep.For(ctx, headStart) // if ctx ends, mayPull says so
	}
	most := max(1, cap(in.slots.free)/in.pullers) // as few requests as can be: each waits for the acks before it
	reserved := make([]int32, 0, most)
	single, dropped := false, false
	for {
		probe, err := in.lane.mayPull(ctx)
		if err != nil {
			return nil //nolint:nilerr // ctx has ended: that is how an intake stops
		}
		n := most
		if probe != nil || single || dropped { // one shows whether the handler has room again
			n = 1
		}
		reserved = in.slots.reserve(ctx, reserved[:0], n)
		p := pull{in: in, reserved: reserved, single: single, probe: probe}
		if err := p.run(ctx); err != nil {
			return err
		}
		single, dropped = p.refused, p.dropped
	}
}

// pull is one request to the source.
type pull struct {
	in       *intake
	reserved []int32
	bytes    int64 // reserved, too
	single   bool  // for a message that was too large for the pull before
	refused  bool  // the first message was too large
	probe    func(error)
	dropped  bool
}

func (p *pull) run(ctx context.Context) error {
	if len(p.reserved) == 0 { // ctx has ended
		p.endProbe(ctx)
		return nil
	}
	pulling, cancel := p.bounds(ctx)
	defer cancel()
	err := p.ask(pulling)
	idle := p.endProbe(ctx)
	for _, id := range p.reserved {
		p.in.slots.release(id)
	}
	switch {
	case errors.Is(err, ErrSourceGone):
		return err
	case err != nil && ctx.Err() == nil:
		p.in.lane.line(pullFailedLine).Err(err).Msg(pullFailedLine.String())
		_ = sleep.For(ctx, time.Second+time.Duration(rand.Float64()*float64(time.Second))) //nolint:gosec // jitter
	case p.dropped:
		_ = sleep.For(ctx, dropRest)
	case idle:
		_ = sleep.For(ctx, probeEvery) // leave the turn to the others, who may have something
	}
	return nil
}

// ask reserves the bytes that the pull may take, and pulls. A message may be larger than
// that: it then comes in a pull for it alone, for which there is room for the largest
// receipt, or nothing else in the intake.
func (p *pull) ask(ctx context.Context) error {
	room, n := p.in.room, len(p.reserved)
	want, bytes := max(1, room.size/2/int64(p.in.pullers)), 0 // the rest is in the handler meanwhile
	if p.single {
		want = largest(p.in.limits)
	} else {
		n = min(n, max(1, int(want/2/perMessage)))
		bytes = max(1, (int(want)-n*perMessage)/perByte)
	}
	if p.bytes = room.reserve(ctx, want); p.bytes == 0 {
		return nil
	}
	_, err := p.in.source.Pull(ctx, n, bytes, p.take)
	room.release(p.bytes)
	if p.refused = errors.Is(err, ErrNoRoom); p.refused {
		return nil
	}
	return err
}

// bounds ends a pull when the breaker opens, and a probe that finds no message
// after probeWait.
func (p *pull) bounds(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.probe != nil {
		return context.WithTimeout(ctx, probeWait)
	}
	return p.in.lane.breaker.whileClosed(ctx)
}

// endProbe ends a probe that no message took, and reports whether there was one.
func (p *pull) endProbe(ctx context.Context) bool {
	if p.probe == nil {
		return false
	}
	p.probe(p.in.lane.withoutReceipt(ctx))
	p.probe = nil
	return true
}

// take receives one message from the source.
func (p *pull) take(m Message) {
	in, o := p.in, m.Origin()
	if len(p.reserved) == 0 {
		p.overflow(m, o)
		return
	}
	switch in.settled.begin(o.Seq, o.Stored) {
	case inFlight: // the earlier delivery goes on; it will settle both
		in.lane.metrics.repeated.Inc()
		return
	case finished:
		in.lane.metrics.repeated.Inc()
		if err := m.Ack(); err != nil {
			in.lane.log.Debug().Err(err).Uint64("seq", o.Seq).Msg("cannot ack a repeated delivery")
		}
		return
	case unseen:
	}
	last := len(p.reserved) - 1
	now := time.Now()
	d := &delivery{
		lane: in.lane, in: in, slot: p.reserved[last], msg: m, data: m.Data(), origin: o,
		taken: now, due: now, beat: now, probe: p.probe,
	}
	if p.probe != nil {
		in.lane.breaker.heard.Store(&now)
	}
	p.reserved, p.probe = p.reserved[:last], nil
	in.slots.hold(d)
	p.bytes -= d.weighs(weight(m, &o))
	p.dropped = in.admit(d) || p.dropped
}

// overflow hands back what no slot was reserved for, which the broker may send
// when a pull request had to be repeated.
func (p *pull) overflow(m Message, o Origin) {
	if err := m.Nak(retry.HandBack(rand.Float64()).Delay); err != nil { //nolint:gosec // jitter
		p.in.lane.log.Debug().Err(err).Uint64("seq", o.Seq).Msg("cannot nak a message for which the lane has no slot")
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
		in.lane.metrics.skew.look(in.lane, r, &d.origin)
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
	in.lane.offer(d)
}
