package pushtest

import (
	"context"
	"sync"

	"github.com/pushworker/pushworker/pkg/push"
)

// Fake is a handler that reports its outcomes and remembers what it was given. It
// must be initialised like any other; empty config will do.
type Fake struct {
	*push.Adapter
	seen log
}

// Receipts returns the receipts given to the fake so far, in the order in which
// their handling began.
func (f *Fake) Receipts() []*push.Receipt { return f.seen.receipts() }

// Count returns how often the fake has been given a receipt.
func (f *Fake) Count() int { return len(f.seen.receipts()) }

// Handles makes a fake of handle.
func Handles(handle func(context.Context, *push.Receipt) error) *Fake {
	f := &Fake{}
	f.Adapter = push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(ctx context.Context, r *push.Receipt) error {
			f.seen.add(r)
			return handle(ctx, r)
		}}, nil
	})
	return f
}

// Starts makes a fake of handle whose work is started and ends by callback.
func Starts(handle func(context.Context, *push.Receipt) error) *Fake {
	f := &Fake{}
	f.Adapter = push.Adapt(func(string) (push.Work, error) {
		return push.Work{Start: func(ctx context.Context, r *push.Receipt, done func(error)) {
			f.seen.add(r)
			go func() { done(handle(ctx, r)) }()
		}, Concurrency: 16}, nil
	})
	return f
}

// AlwaysDelivers makes a fake that delivers every receipt.
func AlwaysDelivers() *Fake {
	return Handles(func(context.Context, *push.Receipt) error { return nil })
}

// AlwaysFails makes a fake that reports err for every receipt.
func AlwaysFails(err error) *Fake {
	return Handles(func(context.Context, *push.Receipt) error { return err })
}

// Panics makes a fake that panics with value on every receipt.
func Panics(value any) *Fake {
	return Handles(func(context.Context, *push.Receipt) error { panic(value) })
}

// Blocking is a fake whose work goes on until it is released.
type Blocking struct {
	*Fake
	released chan struct{}
	once     sync.Once
}

// Release lets all work end well, now and later. It may be called again.
func (b *Blocking) Release() { b.once.Do(func() { close(b.released) }) }

// Blocks makes a fake whose work goes on until Release, or until its context ends.
func Blocks() *Blocking {
	b := &Blocking{released: make(chan struct{})}
	b.Fake = Handles(func(ctx context.Context, _ *push.Receipt) error {
		select {
		case <-b.released:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	return b
}

// Hangs makes a fake whose work goes on until Release, whatever its context says.
func Hangs() *Blocking {
	b := &Blocking{released: make(chan struct{})}
	b.Fake = Handles(func(context.Context, *push.Receipt) error {
		<-b.released
		return nil
	})
	return b
}

// log is a list of receipts.
type log struct {
	mu  sync.Mutex
	all []*push.Receipt
}

func (l *log) add(r *push.Receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, r)
}

func (l *log) receipts() []*push.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*push.Receipt(nil), l.all...)
}
