package consumer

import (
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/internal/tracing"
	"github.com/pushworker/pushworker/pkg/push"
)

// longestNak is the longest delay of a nak. What waits for one counts towards
// MaxAckPending, which all processes share: when it is full, the broker delivers nothing
// fresh. What rests longer is stored instead. Not stored is what was refused like all
// others (refusalRest, and a tenth): it is what was in hand when the lane stopped, and one
// receipt a second.
const longestNak = 12 * time.Second

// ack is the first door: the receipt is settled for this lane.
func (d *delivery) ack(v retry.Verdict, why error, now time.Time) {
	d.in.settled.finish(d.origin.Seq, d.origin.Stored)
	err := d.message().Ack()
	m := d.lane.metrics
	m.verdicts[v].Inc()
	d.observe(m.age, now.Sub(d.origin.First))
	fates := push.Targets{Accepted: d.targets}
	if v != retry.Ack {
		fates = push.Targets{Skipped: d.targets}
	}
	attempts := d.origin.Attempts
	if d.tried {
		attempts++
	}
	fates = d.count(fates)
	d.tell(Outcome{At: now, Verdict: v, Attempts: attempts}, fates, why)
	d.trace.Settle(tracing.Settlement{Verdict: v.String(), Targets: fates})
	if err != nil {
		d.logLine(ackFailedLine, err)
	}
	if e := d.lane.log.Debug(); e.Enabled() {
		d.log(e, why).AnErr("ack", err).Msg(v.String())
	}
	d.leave()
}

// redeliver is the second door: the receipt comes back to this lane. What has an
// attempt or progress to remember, or is to rest for long, is stored as a retry, and the
// original is acknowledged only once the broker has confirmed that; the rest is nak'd.
func (d *delivery) redeliver(decision retry.Decision, why error) {
	if decision.Counted || decision.Delay > longestNak || narrows(why) || d.origin.Alone || d.looksLikeACrash() {
		d.lane.store(func() { d.schedule(decision, why) })
		return
	}
	if d.tried {
		fates := d.fates(push.Targets{Retried: d.targets})
		d.tell(Outcome{At: time.Now(), Verdict: retry.Redeliver, Attempts: d.origin.Attempts, Delay: decision.Delay}, fates, why)
	}
	d.nak(decision.Delay, why)
}

// narrows reports whether why says that part of the receipt went out.
func narrows(why error) bool {
	_, ok := errors.AsType[*push.Undelivered](why)
	return ok
}

// nak hands the message back to the broker. What should rest longer than longestNak, and
// cannot be stored, comes back before its time, and its handler says again what to do.
func (d *delivery) nak(delay time.Duration, why error) {
	delay = min(delay, longestNak)
	d.in.settled.forget(d.origin.Seq, d.origin.Stored)
	err := d.message().Nak(delay)
	d.lane.metrics.verdicts[retry.Redeliver].Inc()
	d.trace.Settle(tracing.Settlement{Verdict: retry.Redeliver.String(), Nak: true, Delay: delay, Why: why})
	if e := d.lane.log.Debug(); e.Enabled() {
		d.log(e, why).AnErr("nak", err).Stringer("delay", delay.Round(time.Millisecond)).Msg("redeliver")
	}
	d.leave()
}

// schedule stores the retry and then settles the original.
func (d *delivery) schedule(decision retry.Decision, why error) {
	if d.writeRejected(why) != nil {
		d.park(why)
		return
	}
	r, remain := d.retry(decision, why)
	stored := d.trace.StoresRetry()
	err := d.storeRetry(r)
	stored(err)
	switch {
	case err == nil:
		d.rescheduled(r, remain, why)
	case errors.Is(err, ErrTooLarge):
		d.unstorable(decision, why, err)
	default:
		d.nak(decision.Delay, why)
	}
}

// rescheduled acknowledges the original of a retry that is stored.
func (d *delivery) rescheduled(r Retry, remain int, why error) {
	d.in.settled.finish(d.origin.Seq, d.origin.Stored)
	ack := d.message().Ack()
	m := d.lane.metrics
	m.verdicts[retry.Redeliver].Inc()
	fates := d.count(push.Targets{Accepted: d.targets - remain, Retried: remain})
	d.tell(Outcome{At: time.Now(), Verdict: retry.Redeliver, Attempts: r.Origin.Attempts, Delay: r.Delay}, fates, why)
	d.trace.Settle(tracing.Settlement{Verdict: retry.Redeliver.String(), Delay: r.Delay, Targets: fates, Why: why})
	if e := d.lane.line(redeliverLine); e != nil {
		d.log(e, why).AnErr("ack", ack).Int("attempt", r.Origin.Attempts).Stringer("delay", r.Delay.Round(time.Millisecond)).Msg(redeliverLine.String())
	}
	d.leave()
}

// bury is the third door: the receipt becomes a dead letter, and is acknowledged
// only once the broker has confirmed that.
func (d *delivery) bury(reason retry.Reason, why error) {
	d.lane.store(func() { d.writeAndAck(reason, why) })
}

func (d *delivery) writeAndAck(reason retry.Reason, why error) {
	if d.writeRejected(why) != nil {
		d.park(why)
		return
	}
	d.buryRest(reason, why)
}

// buryRest writes a letter for what why says was not delivered.
func (d *delivery) buryRest(reason retry.Reason, why error) {
	attempts := d.origin.Attempts
	if d.tried {
		attempts++
	}
	if d.write(d.letter(reason, why, attempts)) != nil {
		d.park(why)
		return
	}
	d.in.settled.finish(d.origin.Seq, d.origin.Stored)
	ack := d.message().Ack()
	m := d.lane.metrics
	m.verdicts[retry.Bury].Inc()
	m.letters[reason].Inc()
	fates := d.count(push.Targets{Rejected: d.targets})
	now := time.Now()
	d.tell(Outcome{At: now, Verdict: retry.Bury, Attempts: attempts, Reason: reason}, fates, why)
	d.observe(m.age, now.Sub(d.origin.First))
	d.trace.Settle(tracing.Settlement{Verdict: retry.Bury.String(), Reason: reason.String(), Targets: fates, Why: why})
	if e := d.lane.line(buryLine); e != nil {
		d.log(e, why).AnErr("ack", ack).Stringer("reason", reason).Int("attempts", attempts).Msg(buryLine.String())
	}
	d.leave()
}

// prospect is what a receipt will be buried for if it goes on failing like that.
func prospect(decision retry.Decision, why error, o *Origin) retry.Reason {
	_, panicked := errors.AsType[*push.PanicError](why)
	switch {
	case panicked:
		return retry.Panic
	case decision.Counted:
		return retry.Attempts
	case o.Alone:
		return retry.CrashLoop
	}
	return retry.Age
}

// retry is what shall come back, and how many targets of it remain.
func (d *delivery) retry(decision retry.Decision, why error) (r Retry, remain int) {
	r = Retry{
		Handler: d.lane.name, Data: d.data, Delay: decision.Delay, Error: why.Error(), Origin: *d.origin,
		Reason: prospect(decision, why, d.origin),
	}
	r.Origin.Traced = d.first()
	if decision.Counted { // it has run and the process lives: no suspect any more
		r.Origin.Attempts++
		r.Origin.Alone = false
	}
	remain = d.targets
	if part, ok := errors.AsType[*push.Undelivered](why); ok {
		// A handler that names what is no recipient gets all of it again.
		if rest, err := push.Narrow(r.Data, part.To, part.Channel); err == nil {
			remain = targets(part.To, part.Channel)
			r.Data, r.Origin.Narrowed = rest, true
		}
	}
	return r, remain
}

// fates is what became of the targets: what the handler has said, or what follows
// from the door.
func (d *delivery) fates(t push.Targets) push.Targets {
	if d.receipt != nil {
		if told, ok := d.receipt.Tallied(); ok {
			t = told
		}
	}
	t.Skipped += len(d.elsewhere)
	return t
}

// count adds up what became of the targets, and returns it.
func (d *delivery) count(t push.Targets) push.Targets {
	t = d.fates(t)
	d.lane.metrics.count(t)
	return t
}

// leave frees the slot and the room; the delivery is over.
func (d *delivery) leave() {
	d.endProbe()
	d.in.room.release(d.weight.Load())
	d.in.slots.release(d.slot)
	d.endTurn()
}

// endProbe tells the breaker that this delivery, if it is its probe, has nothing to
// say.
func (d *delivery) endProbe() {
	if d.probe != nil {
		d.probe(errNoVerdict)
		d.probe = nil
	}
}

// logLine writes a line of the kind k about the receipt, unless there were enough.
func (d *delivery) logLine(k lineKind, why error) {
	if e := d.lane.line(k); e != nil {
		d.log(e, why).Msg(k.String())
	}
}

func (d *delivery) log(e *zerolog.Event, why error) *zerolog.Event {
	e = e.Str("stream", d.origin.RootStream).Uint64("seq", d.origin.RootSeq)
	e = d.traceIDs(e)
	if p, ok := errors.AsType[*push.PanicError](why); ok {
		e = e.Bytes("stack", p.Stack)
	}
	return e.AnErr("error", why)
}

func targets(to map[push.Uid]push.Recipient, channel string) int {
	n := len(to)
	if channel != "" {
		n++
	}
	return n
}
