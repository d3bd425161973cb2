package publisher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Pauses between two tries are random up to retryBase, doubled with each try up
// to retryCap.
const (
	retryBase = 100 * time.Millisecond
	retryCap  = 2 * time.Second
)

// flight is one message on its way to an acknowledgement:
//
//	launch ──► awaiting ──reply──► settled
//	              │  ▲
//	  failed, transient
//	              ▼  │ again
//	            pausing ──Config's limits, Close, end of the connection──► settled
//
// All its tries share one reply subject, so that a late acknowledgement of an
// early try settles it too. Whoever removes it from Publisher.flights settles it.
type flight struct {
	msg   *nats.Msg
	done  func(Ack, error)
	apart bool // done is the caller's, and runs with the other callbacks
	wave  *wave
	since time.Time // when the publisher was given it
	start time.Time
	timer *time.Timer

	// Guarded by Publisher.mu.
	awaiting bool      // whether timer ends the wait for a reply or a pause
	due      time.Time // when timer is set to fire; a firing before it is a stale one
	tries    int
	cause    error // of the last failed try
}

// launch waits for room and starts the flight of msg, which there is since then. apart
// says that done may take its time and publish.
func (p *Publisher) launch(ctx context.Context, msg *nats.Msg, since time.Time, done func(Ack, error), apart bool) (*flight, error) {
	if p.isClosed() {
		return nil, ErrClosed
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("not published: %w", context.Cause(ctx))
	}
	select {
	case p.slots <- struct{}{}:
	case <-p.closing:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("not published, %d receipts in flight leave no room: %w: %w",
			cap(p.slots), ErrUnavailable, context.Cause(ctx))
	}
	f := &flight{msg: msg, done: done, apart: apart && done != nil, since: since, start: time.Now()}
	p.mu.Lock()
	if p.isClosed() {
		p.mu.Unlock()
		<-p.slots
		return nil, ErrClosed
	}
	p.last++
	f.wave = p.current
	f.wave.live++
	msg.Reply = p.inbox + strconv.FormatUint(p.last, 36)
	p.flights[msg.Reply] = f
	f.timer = time.AfterFunc(p.cfg.AckTimeout, func() { p.tick(f) })
	f.begin(p.cfg.AckTimeout)
	p.mu.Unlock()
	p.write(f)
	return f, nil
}

// again makes another try.
func (p *Publisher) again(f *flight) {
	p.mu.Lock()
	if p.flights[f.msg.Reply] != f {
		p.mu.Unlock()
		return
	}
	f.begin(p.cfg.AckTimeout)
	p.mu.Unlock()
	p.write(f)
}

// write sends what begin has begun. It holds no lock, because the
// acknowledgements that make room for the write need it.
func (p *Publisher) write(f *flight) {
	if p.nc.IsReconnecting() {
		// The client would keep the message in its reconnect buffer; waiting here
		// keeps it within RetryFor.
		p.failed(f, p.disconnected())
	} else if err := p.publish(f); err != nil {
		p.failed(f, err)
	}
}

// begin begins a try, of which there is one from the moment that f is listed. The
// caller holds Publisher.mu.
func (f *flight) begin(ackTimeout time.Duration) {
	f.tries++
	f.arm(true, ackTimeout)
}

// arm sets the timer for the state that begins. The caller holds Publisher.mu.
func (f *flight) arm(awaiting bool, d time.Duration) {
	f.awaiting, f.due = awaiting, time.Now().Add(d)
	f.timer.Reset(d)
}

// tick is the end of a wait for a reply or of a pause.
func (p *Publisher) tick(f *flight) {
	p.mu.Lock()
	stale := p.flights[f.msg.Reply] != f || time.Now().Before(f.due)
	awaiting := f.awaiting
	p.mu.Unlock()
	switch {
	case stale:
	case awaiting:
		p.failed(f, p.silence(f.msg.Subject))
	default:
		p.again(f)
	}
}

// failed ends a try: there will be another, or the flight is settled.
func (p *Publisher) failed(f *flight, cause error) {
	p.mu.Lock()
	if p.flights[f.msg.Reply] != f || !f.awaiting {
		p.mu.Unlock()
		return
	}
	f.cause = cause
	_, transient := classify(cause)
	rest := p.cfg.RetryFor - time.Since(f.start)
	if transient && rest > 0 && f.tries != p.cfg.MaxTries {
		f.arm(false, min(rest, pause(f.tries)))
		p.mu.Unlock()
		return
	}
	delete(p.flights, f.msg.Reply)
	p.mu.Unlock()
	p.settle(f, Ack{}, f.failure(nil))
}

// pause is the random time between a try, counted from 1, and the next.
func pause(tries int) time.Duration {
	limit := min(retryBase<<min(tries-1, 16), retryCap)
	return rand.N(limit) //nolint:gosec // jitter, not a secret
}

// onReply takes the broker's answer to a try.
func (p *Publisher) onReply(m *nats.Msg) {
	ack, err := parseReply(m)
	p.mu.Lock()
	f := p.flights[m.Subject]
	if f != nil && err == nil {
		delete(p.flights, m.Subject)
	}
	p.mu.Unlock()
	switch {
	case f == nil:
	case err == nil:
		p.settle(f, ack, nil)
	default:
		p.failed(f, err)
	}
}

// watch follows the connection: what was sent over a lost one gets no answer.
func (p *Publisher) watch() {
	for status := range p.status {
		if status == nats.CLOSED {
			p.abandon(nats.ErrConnectionClosed)
			return
		}
		cause := p.disconnected()
		for _, f := range p.unsettled() {
			p.failed(f, cause)
		}
	}
}

// abandon settles every flight as given up because of cause.
func (p *Publisher) abandon(cause error) {
	for _, f := range p.unsettled() {
		p.giveUp(f, cause)
	}
}

// unsettled lists the flights of this moment.
func (p *Publisher) unsettled() []*flight {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*flight, 0, len(p.flights))
	for _, f := range p.flights {
		all = append(all, f)
	}
	return all
}

// giveUp settles f because of cause unless it is settled.
func (p *Publisher) giveUp(f *flight, cause error) {
	p.mu.Lock()
	mine := p.flights[f.msg.Reply] == f
	delete(p.flights, f.msg.Reply)
	p.mu.Unlock()
	if mine {
		p.settle(f, Ack{}, f.failure(cause))
	}
}

// settle makes room and calls back. The caller has removed f from the flights.
func (p *Publisher) settle(f *flight, ack Ack, err error) {
	f.timer.Stop()
	<-p.slots
	if f.apart {
		p.callbacks.add(func() {
			defer p.land(f)
			f.done(ack, err)
		})
		return
	}
	defer p.land(f)
	if f.done != nil {
		f.done(ack, err)
	}
}
