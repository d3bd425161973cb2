package consumer

import (
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// offer hands d's receipt to the handler, now or when its turn comes, without ever
// waiting for either. It reports whether the handler dropped it.
func (l *Lane) offer(d *delivery) (dropped bool) {
	return l.waitTurn(d) && l.start(d)
}

// start hands d's receipt to the handler if it is still wanted, and reports whether
// the handler dropped it.
func (l *Lane) start(d *delivery) (dropped bool) {
	r := d.receipt
	d.expires = push.StaleFor(l.handler, r)
	if !d.expires.IsZero() && !d.due.Before(d.expires) {
		d.leaving.Store(true)
		d.ack(retry.Expire, push.ErrExpired, d.due)
		return false
	}
	if d.probe == nil && l.breaker.isOpen.Load() { // was on its way when the breaker opened
		d.handBack(errStopped)
		return false
	}
	if !l.news(d) {
		d.ackElsewhere()
		return false
	}
	if d.trace != nil {
		r.Follow(d.trace)
	}
	if l.reports {
		r.OnDone(d.done)
	} else if l.observer.Clean {
		d.users = users(r) // once r is with the handler, it is too late to look
	}
	if err := l.send(r); err != nil {
		l.metrics.dropped.Inc()
		l.drops.Add(1)
		d.handBack(err)
		return true
	}
	if !l.reports {
		d.done(nil)
	}
	return false
}

// send drops the receipt when the channel would block, as Tinode's push API wants it.
func (l *Lane) send(r *push.Receipt) (err error) {
	defer func() {
		if v := recover(); v != nil { // a handler that closes its channel must not end the process
			err = errNotReady
		}
	}()
	if !l.handler.IsReady() {
		return errNotReady
	}
	select {
	case l.handler.Push() <- r:
		return nil
	default:
		return errWouldBlock
	}
}
