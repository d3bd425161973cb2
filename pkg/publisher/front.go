package publisher

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/pushworker/pushworker/pkg/push"
)

// front is a [Handler] from one Init to the next Stop: it moves receipts from the channel into
// the queue. The channel is never closed, because others send on it. To stop, it is filled
// with marks instead, so that no send can succeed any more and no receipt is left in it.
type front struct {
	in       chan *push.Receipt // as many receipts as the config's buffer says
	mark     *push.Receipt
	queue    *Queue
	failed   func(r *push.Receipt, err error)
	stopping atomic.Bool
	stop     chan struct{}   // closed by the first Drain
	grace    context.Context //nolint:containedctx // ends when a Drain has no more time
	hurry    context.CancelFunc
	stopped  chan struct{} // closed when all is over
}

func (f *front) run() {
	defer close(f.stopped)
	for open := true; open; {
		select {
		case r := <-f.in:
			f.take(r)
		case <-f.stop:
			open = false
		}
	}
	f.shut()
	ctx, cancel := context.WithTimeout(f.grace, handlerGrace)
	defer cancel()
	_ = f.queue.Close(ctx) // failed has been told of what is lost
	f.queue.pub.nc.Close()
	f.hurry()
}

// take puts r and what else is in the channel into the queue, and waits once until all of it
// is on the disk.
func (f *front) take(r *push.Receipt) {
	var saved *ticket
	for n := 1; ; n++ {
		saved = f.put(r, saved)
		if n == handlerBatch {
			break
		}
		select {
		case r = <-f.in:
			continue
		default:
		}
		break
	}
	_ = saved.wait() // what is not saved is in the counts, and may be published yet
}

// put puts r into the queue, and returns the ticket of the last receipt that was taken.
func (f *front) put(r *push.Receipt, last *ticket) *ticket {
	if r == nil {
		return last
	}
	saved, err := f.add(r)
	if err == nil {
		return saved
	}
	f.failed(r, err)
	r.Done(instruction(err))
	return last
}

// add is the queue's, but for panics of what encodes the content.
func (f *front) add(r *push.Receipt) (saved *ticket, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %w", ErrRefused, &push.PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	return f.queue.add(f.grace, r, func(err error) { r.Done(instruction(err)) }, traceOf(r))
}

// traceOf goes on with the trace of r, if r has one: the chat server follows it, or it comes
// from another queue.
func traceOf(r *push.Receipt) (opts []Option) {
	parent, state := r.Trace()
	if parent == "" {
		return nil
	}
	opts = append(opts, Header("traceparent", parent))
	if state != "" {
		opts = append(opts, Header("tracestate", state))
	}
	return opts
}

// shut fills the channel with marks, and takes the receipts that are in their way.
func (f *front) shut() {
	var saved *ticket
	for marks := 0; marks < cap(f.in); {
		select {
		case f.in <- f.mark:
			marks++
		default: // full, and nobody else reads
			if r := <-f.in; r == f.mark {
				marks--
			} else {
				saved = f.put(r, saved)
			}
		}
	}
	_ = saved.wait() // as above
}

// instruction tells a queue what to do about err.
func instruction(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrRefused):
		return push.Permanent(err)
	case errors.Is(err, errLeft):
		return errors.Join(push.ErrNotStarted, err)
	}
	return push.Unavailable(err)
}
