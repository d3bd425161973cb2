package publisher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// queueRest is how long a queue pauses, at random between this and twice this, after
// the broker has refused a receipt that it may take later.
const queueRest = time.Second

var errLeft = errors.New("the queue was closed")

// run is the pump: it launches, watches the time, and tells of what is lost.
func (q *Queue) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w := q.due(time.Now())
		if w.last {
			close(q.drained)
			return
		}
		if q.do(w) {
			continue
		}
		timer.Reset(w.wait)
		select {
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// do does w, and reports whether there was anything.
func (q *Queue) do(w work) bool {
	for _, f := range w.late {
		q.pub.giveUp(f, ErrKept)
	}
	for _, e := range w.launch {
		q.launch(e)
	}
	for _, e := range w.over {
		q.tell(e)
	}
	return len(w.late)+len(w.launch)+len(w.over) > 0
}

// work is what the pump has to do.
type work struct {
	late   []*flight // to give up, since their time is over
	launch []*entry
	over   []*entry // lost, or left to the file
	wait   time.Duration
	last   bool // there is nothing any more, and will be nothing
}

// due says what there is to do now.
func (q *Queue) due(now time.Time) (w work) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.wait = time.Hour
	q.expire(now, &w)
	switch pause := q.rest.Sub(now); {
	case q.leaving:
		q.sweep()
	case pause > 0:
		w.wait = min(w.wait, pause)
	default:
		for q.flying < q.cfg.MaxInFlight {
			e := q.ready.pop()
			if e == nil {
				break
			}
			e.flying = true
			q.flying++
			w.launch = append(w.launch, e)
		}
	}
	w.over, q.lost = q.lost, nil
	w.last = q.closed && q.all.Len() == 0
	return w
}

// expire finds what was kept for as long as it may be. The caller holds q.mu.
func (q *Queue) expire(now time.Time, w *work) {
	if q.cfg.KeepFor == 0 {
		return
	}
	for place := q.all.Front(); place != nil; place = place.Next() {
		e, _ := place.Value.(*entry)
		if rest := e.since.Add(q.cfg.KeepFor).Sub(now); rest > 0 {
			w.wait = min(w.wait, rest)
			return
		}
		if e.flying && !e.expired && e.flight != nil {
			e.expired = true
			w.late = append(w.late, e.flight)
		} else if !e.flying {
			q.lose(e, fmt.Errorf("%w, %s: %w", ErrKept, q.cfg.KeepFor, ErrUnavailable))
		}
	}
}

// sweep gives up all that is not flying. The caller holds q.mu.
func (q *Queue) sweep() {
	for place := q.all.Front(); place != nil; place = place.Next() {
		if e, _ := place.Value.(*entry); !e.flying {
			q.lose(e, fmt.Errorf("%w: %w", errLeft, ErrUnavailable))
		}
	}
}

// lose has the pump tell of e, once. The caller holds q.mu.
func (q *Queue) lose(e *entry, err error) {
	if e.err == nil {
		e.err = err
		q.lost = append(q.lost, e)
	}
}

// launch begins a flight of e.
func (q *Queue) launch(e *entry) {
	msg := *e.msg // with a reply subject of its own
	landed := func(_ Ack, err error) { q.landed(e, err) }
	f, err := q.pub.launch(context.Background(), &msg, e.since, landed, false) //nolint:forbidigo // there is room
	if err != nil {
		q.landed(e, err)
		return
	}
	q.mu.Lock()
	if e.flying {
		e.flight = f
	}
	leaving := q.leaving
	q.mu.Unlock()
	if leaving {
		q.pub.giveUp(f, errLeft)
	} else if q.cfg.KeepFor > 0 {
		q.rouse() // its time may have been over before its flight was known
	}
}

// landed takes the end of a flight.
func (q *Queue) landed(e *entry, err error) {
	q.mu.Lock()
	q.flying--
	e.flying, e.flight = false, nil
	switch {
	case err == nil:
		q.counts.Stored++
		q.settle(e)
	case e.expired, q.leaving, errors.Is(err, ErrTooLarge), errors.Is(err, ErrRefused):
		q.lose(e, err)
	default:
		q.ready.pushFront(e)
		q.rest = time.Now().Add(queueRest + rand.N(queueRest)) //nolint:gosec // jitter, not a secret
	}
	q.mu.Unlock()
	q.rouse()
	if err == nil && e.done != nil {
		e.done(nil)
	}
}

// settle removes e for good. The caller holds q.mu.
func (q *Queue) settle(e *entry) {
	q.unlink(e)
	if q.file != nil {
		q.file.settled(e)
	}
}

// tell ends an entry that is lost, or that the next process finds in the file.
func (q *Queue) tell(e *entry) {
	q.mu.Lock()
	left := q.leaving && q.file != nil
	q.mu.Unlock()
	if left && q.file.has(e) {
		q.mu.Lock()
		q.unlink(e)
		q.mu.Unlock()
		if e.done != nil {
			e.done(nil)
		}
		return
	}
	if q.cfg.Lost != nil {
		q.cfg.Lost(e.receipt(), e.err)
	}
	if e.done != nil {
		e.done(e.err)
	}
	q.mu.Lock()
	q.counts.Lost++
	q.settle(e)
	q.mu.Unlock()
}

// leave gives up what waits and says how many receipts there were.
func (q *Queue) leave() int {
	q.mu.Lock()
	q.leaving = true
	n := q.all.Len()
	var flights []*flight
	for place := q.all.Front(); place != nil; place = place.Next() {
		if e, _ := place.Value.(*entry); e.flight != nil {
			flights = append(flights, e.flight)
		}
	}
	q.mu.Unlock()
	for _, f := range flights {
		q.pub.giveUp(f, errLeft)
	}
	q.rouse()
	return n
}
