package line

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Options are how requests are made.
type Options struct {
	// Name is the provider's, as errors say it.
	Name string
	// InFlight is how many requests may be open at the same time.
	InFlight int
	// MostInFlight is how many may be where InFlight would not allow PerSecond, or 18,000 a
	// second without it, because answers take so long; 0 for no more.
	MostInFlight int
	// PerGroup is how many of one of [Line.Group] may be; 0 for no limit. Who comes when
	// they are is answered at once, see [Line.Start].
	PerGroup int
	// PerSilent is how many of one group may be while it answers nothing for three
	// seconds, whatever else it may; 0 for no such limit. After half a second it is a
	// quarter of InFlight.
	PerSilent int
	// PerSecond is how many requests may be made in a second; 0 for no limit.
	PerSecond float64
	// Ramp is how long it takes from a tenth of PerSecond to the whole, after a start
	// and after an outage.
	Ramp time.Duration
	// Timeout is how long a call waits for an answer at most.
	Timeout time.Duration
	// PingWait is how long a silent connection has to answer a ping; 0 for 3 s.
	PingWait time.Duration
	// Ready says why there is nothing that the provider would let us in with; nil when
	// nothing is needed. It may wait, but not once a request has been made.
	Ready func(ctx context.Context) error
}

// Call is one request.
type Call struct {
	// Key is the address.
	Key string
	// Group is whom the address can fail together with; nil if that is not known.
	Group *Group
	// Public says that the provider takes messages to this address from anybody: that
	// one was accepted does not show that our addresses are ours.
	Public bool
	// Keys are the addresses of a request for several, instead of Key: none of them rests
	// because of the request as a whole. An answer that knows each has [Answer.Each].
	Keys []string
	// Note is filled in before the answer is told, if a request was made; nil when nobody
	// wants to know.
	Note *Note
	// Do makes exactly one request and calls answered once, from any goroutine.
	Do func(ctx context.Context, answered func(Answer))
}

// Line sends to one provider:
//
//	resting? gate? ─► ready? ─► limit ─► pace ─► resting? gate? ─► Do ─► learn
//
// Its methods are safe for concurrent use.
type Line struct {
	Options
	Meter
	resting  resting
	evidence evidence
	gate     *gate
	limit    *limit
	reach    reach
	pace     *pace
	groups   groups
	loose    Group // of addresses whose group is not known
}

// New makes a line, which connects nothing.
func New(o Options) *Line {
	l := &Line{Options: o, limit: newLimit(o.InFlight), pace: newPace(o.PerSecond, o.Ramp)}
	l.gate, l.loose.most = newGate(l.pace.restart), o.PerGroup
	l.reach.base, l.reach.ceiling, l.reach.perSecond = float64(o.InFlight), float64(o.MostInFlight), cmp.Or(o.PerSecond, unsaid)
	return l
}

// Down is the answer that the provider as a whole is not to be asked, and why. It is
// no attempt.
func (l *Line) Down(why error) Answer {
	return Answer{Fate: Again, Scope: All, Err: &downError{l.Name, why}}
}

// Send makes one request at most and waits for the answer.
func (l *Line) Send(ctx context.Context, c Call) Answer {
	got := make(chan Answer, 1)
	l.Start(ctx, c, func(a Answer) { got <- a })
	return <-got
}

// Start makes one request at most, and calls done once, from any goroutine and
// perhaps before it returns. Nothing is asked when the answer is known: the provider
// is down, or the address or its group are to be left alone. A call waits until the
// provider as a whole lets it in, but for its group it does not: it is told to come
// again in [busyWait].
func (l *Line) Start(ctx context.Context, c Call, done func(Answer)) {
	if c.Group == nil {
		c.Group = &l.loose
	}
	if a, known := l.known(&c, time.Now()); known {
		done(a)
		return
	}
	if l.Ready != nil {
		if err := l.Ready(ctx); err != nil {
			done(l.Down(err))
			return
		}
	}
	if !c.Group.enter(l, time.Now()) {
		done(Answer{Fate: Again, Wait: busyWait, Code: "busy", Err: errBusy})
		return
	}
	f := &flight{line: l, ctx: ctx, call: c, done: done}
	if l.limit.enter() {
		f.admitted(nil)
		return
	}
	l.limit.wait(ctx, f.admitted)
}

// busyWait is after how long a call comes again for whom its group has no place.
const busyWait = time.Second

var errBusy = errors.New("too many requests are open to this server")

// known is what need not be asked: that the provider is down, or that the address
// rests. Whether the provider is back, an address that rests does not show.
func (l *Line) known(c *Call, now time.Time) (Answer, bool) {
	if err := l.gate.closed(now); err != nil {
		return l.Down(err), true
	}
	a, known := l.resting.answer(c, now)
	if known && !l.gate.open() {
		a = l.Down(l.gate.reason())
	}
	return a, known
}

// judge draws from an answer what concerns more than its address. The verdict is for
// the gate.
func (l *Line) judge(claim Answer, c *Call, now time.Time) (a Answer, verdict error) {
	if !claim.counts() || claim.Silent && claim.Scope == One { // the provider has said nothing
		return l.resting.learn(c, claim, now), errUncounted
	}
	a = l.evidence.judge(claim, c, now)
	a = l.resting.learn(c, a, now)
	switch {
	case a.Scope == All:
		if (a.Closed || a.Firm) && a.Wait > 0 {
			l.gate.rest(a, now)
		}
		l.gate.explain(a.Err)
		return a, errClose
	case claim.Scope == All && claim.Doubt == nil:
		return a, errSick
	}
	return a, nil
}

// unanswered tells why a request has got no answer, after took. Out of its context's
// time, it was an attempt, because it may never take less; but too short a deadline of
// ours says nothing about the provider, and no more about the address than that it
// takes so long.
func (l *Line) unanswered(ctx context.Context, a Answer, took time.Duration) Answer {
	if ctx.Err() != nil {
		cause := fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
		a = Answer{Fate: Again, Err: cause, unanswered: true}
		if errors.Is(cause, context.DeadlineExceeded) {
			a.Code, a.Silent, a.Tried = codeTimeout, true, true
			if took >= leastSilence {
				a.Wait = took
			}
		}
		return a
	}
	a.Err = fmt.Errorf("no answer from %s: %w", l.Name, a.Err)
	if took >= l.Timeout && !a.unprocessed {
		a.Silent, a.Wait = true, l.Timeout
	}
	return a
}
