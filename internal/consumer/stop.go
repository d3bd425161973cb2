package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// StoreMoment is what retries and dead letters have beyond a lane's grace: for work that
// is handed back at its end.
const StoreMoment = 750 * time.Millisecond

// beatsPerWait: heartbeats go out when a third of AckWait has passed. The held
// messages are looked through twice as often.
const beatsPerWait = 3

// heartbeats tells the broker about every message in hand, also while the lane
// drains, until ctx ends.
func (l *Lane) heartbeats(ctx context.Context) {
	look := l.ackWait / (2 * beatsPerWait)
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, in := range l.intakes {
				in.slots.each(func(d *delivery) { d.heartbeat(now, look) })
			}
		}
	}
}

func (d *delivery) heartbeat(now time.Time, look time.Duration) {
	if now.Sub(d.beat) < look {
		return
	}
	d.beat = now
	if err := d.message().InProgress(); err != nil {
		d.log(d.lane.log.Debug(), err).Msg("cannot send a heartbeat")
	}
}

// drain is the second phase of stopping: the handler finishes or hands back what
// it holds until ctx ends; what is then still held is handed back here.
func (l *Lane) drain(ctx context.Context) error {
	for _, d := range l.order.close() {
		if d.handBack(push.ErrNotStarted) {
			l.returned.unstarted.Add(1)
		}
	}
	unfinished := l.stopHandler(ctx)
	l.awaitStores()
	left := 0
	for _, in := range l.intakes {
		in.slots.each(func(d *delivery) {
			if d.handBack(push.ErrNotStarted) {
				left++
			}
		})
	}
	l.awaitStores()
	cancelled, unstarted := int(l.returned.cancelled.Load()), int(l.returned.unstarted.Load())
	text := "lane stopped; nothing was left unfinished"
	if cancelled+unstarted+left > 0 {
		text = "lane stopped; unfinished receipts were nak'd"
	}
	l.log.Info().Int("not_begun", unstarted).Int("cancelled", cancelled).Int("unanswered", left).Msg(text)
	if unfinished != nil || cancelled+left > 0 {
		return fmt.Errorf("lane %s: %w after PUSHWORKER_SHUTDOWN_GRACE (%s): %d receipts were handed back, of which %d were being sent, "+
			"%d had not begun and %d were held by a handler that did not answer; raise PUSHWORKER_SHUTDOWN_GRACE if this happens often",
			l.name, ErrUnfinished, l.grace, cancelled+unstarted+left, cancelled, unstarted, left)
	}
	return nil
}

// returned counts what was handed back before the handler had stopped, since the lane
// stopped pulling.
type returned struct{ cancelled, unstarted atomic.Int64 }

// noteReturned counts what the handler hands back while the lane stops.
func (l *Lane) noteReturned(err error) {
	switch {
	case l.running.Load():
	case errors.Is(err, push.ErrInterrupted): // comes with ErrNotStarted, too
		l.returned.cancelled.Add(1)
	case errors.Is(err, push.ErrNotStarted):
		l.returned.unstarted.Add(1)
	case errors.Is(err, push.ErrStopping):
		l.returned.cancelled.Add(1)
	}
}

// stopHandler stops the handler within ctx.
func (l *Lane) stopHandler(ctx context.Context) error {
	if h, ok := l.handler.(push.Drainer); ok {
		return h.Drain(ctx)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		l.handler.Stop()
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// store runs f, which writes a retry or a letter, beside the main path. The slots
// bound how many run at once.
func (l *Lane) store(f func()) {
	l.storing.Add(1)
	go func() {
		defer l.storing.Add(-1)
		f()
	}()
}

// awaitStores waits for the retries and letters on their way; each gives up after
// storeTimeout, and when settling ends.
func (l *Lane) awaitStores() {
	if l.storing.Load() == 0 {
		return
	}
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for l.storing.Load() > 0 {
		<-look.C
	}
}
