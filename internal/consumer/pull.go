package consumer

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/internal/sleep"
)

// overlapping is how many slots a pull must have for requests that overlap.
const overlapping = 8

// pull is one call of the source's Pull.
type pull struct {
	in       *intake
	reserved []int32
	bytes    int64 // reserved, too
	next     int   // messages of a request that overlaps the one before it; 0: none does
	size     int   // and its bytes
	ended    func() error
	single   bool // for a message that was too large for the pull before
	refused  bool // the first message was too large
	probe    func(error)
	dropped  bool
}

func (p *pull) run(ctx context.Context) error {
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
	want, bytes := max(1, room.size/2), 0 // the rest is in the handler meanwhile
	if p.single {
		want = largest(p.in.limits)
	} else {
		n = min(n, max(1, int(want/2/perMessage)))
		bytes = max(1, (int(want)-n*perMessage)/perByte)
	}
	if n >= overlapping && n > cap(p.in.slots.free)/2 {
		n /= 2
		p.next, p.size, p.ended = n, bytes/2, ctx.Err
	}
	if p.bytes = room.reserve(ctx, want); p.bytes == 0 {
		return nil
	}
	_, err := p.in.source.Pull(ctx, n, bytes, p.more, p.take)
	room.release(p.bytes)
	if p.refused = errors.Is(err, ErrNoRoom); p.refused {
		return nil
	}
	return err
}

// more asks for more while messages are still to come, as soon as they are no more than
// half of the slots: a request waits behind the acks before it, and the lane would idle
// meanwhile. It does not when the handler is behind, which bounds the number of requests.
func (p *pull) more(left, bytes int) (n, size int) {
	spare := len(p.reserved) - left
	if p.next == 0 || p.dropped || left > p.next && bytes > p.size/2 ||
		spare+len(p.in.slots.free) < p.next/2 || !p.in.lane.pulls() || p.ended() != nil {
		return 0, 0
	}
	n = min(p.next, 2*p.next-left)
	p.reserved = p.in.slots.take(p.reserved, left+n)
	n = min(n, len(p.reserved)-left)
	want := int64(left+n)*perMessage + int64(bytes+p.size)*perByte - p.bytes
	if n == 0 || want > 0 && p.in.room.try(want) != nil {
		return 0, 0
	}
	p.bytes += max(want, 0)
	return n, p.size
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
		in.slots.again(m, o)
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
	p.bytes -= d.weighs(weight(m, o))
	d.traced()
	p.dropped = in.admit(d) || p.dropped
}

// overflow hands back what no slot was reserved for, which the broker may send
// when a pull request had to be repeated.
func (p *pull) overflow(m Message, o *Origin) {
	if err := m.Nak(retry.HandBack(rand.Float64()).Delay); err != nil { //nolint:gosec // jitter
		p.in.lane.log.Debug().Err(err).Uint64("seq", o.Seq).Msg("cannot nak a message for which the lane has no slot")
	}
}
