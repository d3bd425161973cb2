package publisher

import (
	"context"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// add takes r. done, if it is not nil, is called once with what became of all of r.
func (q *Queue) add(ctx context.Context, r *push.Receipt, done func(error), opts []Option) (*ticket, error) {
	parts, err := q.pub.parts(ctx, r, opts)
	if err == nil && done != nil && len(parts) > 1 {
		done = whole(len(parts), done)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil {
		err = q.room(parts, done != nil)
	}
	if err != nil {
		q.counts.Lost++
		return nil, err
	}
	var saved *ticket
	for _, part := range parts {
		e := &entry{msg: part.msg, since: time.Now(), done: done, cost: cost(part, done != nil)}
		if done != nil {
			e.r = part.r
		}
		e.addressed(part.r)
		saved = q.enter(e)
	}
	q.rouse()
	return saved, nil
}

// enter gives e its number and its place. The caller holds q.mu.
func (q *Queue) enter(e *entry) *ticket {
	q.last++
	e.number = q.last
	q.link(e)
	if q.file != nil {
		e.saved = q.file.put(e)
	}
	return e.saved
}

// room says why there is none for parts. The caller holds q.mu.
func (q *Queue) room(parts []part, held bool) error {
	if q.closed {
		return ErrClosed
	}
	bytes := q.bytes
	for _, part := range parts {
		bytes += cost(part, held)
	}
	if q.all.Len()+len(parts) > q.cfg.MaxReceipts || bytes > q.cfg.MaxBytes {
		return fmt.Errorf("%w: %d receipts wait, %d bytes", ErrQueueFull, q.all.Len(), q.bytes)
	}
	return nil
}

// cost is about how much memory a part takes; held says that its receipt is kept, too.
func cost(p part, held bool) int {
	const user = 64 // in the list and in the map
	n := overhead + len(p.msg.Data) + user*len(p.r.To)
	if held {
		n += len(p.msg.Data)
	}
	return n
}

// addressed notes whom r is for.
func (e *entry) addressed(r *push.Receipt) {
	e.channel = r.Channel
	e.users = make([]push.Uid, 0, len(r.To))
	for uid := range r.To {
		e.users = append(e.users, uid)
	}
}

// whole is done for each of so many parts: it is called with the first error, for the last. The
// calls are under no lock, but one after the other.
func whole(parts int, done func(error)) func(error) {
	rest := remaining{parts: parts}
	calls := make(chan struct{}, 1) // a lock
	return func(err error) {
		calls <- struct{}{}
		last := rest.end(Ack{}, err)
		<-calls
		if last {
			done(rest.err)
		}
	}
}

// receipt is what e was made of.
func (e *entry) receipt() *push.Receipt {
	if e.r != nil {
		return e.r
	}
	r, _, err := push.Decode(e.msg.Data, push.NoLimits())
	if err != nil {
		return &push.Receipt{} // cannot be: we have written it
	}
	return r
}
