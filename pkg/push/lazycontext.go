package push

import (
	"context"
	"sync"
	"time"
)

// lazyContext is [context.WithDeadline] for work that may never look at it. The
// timer and the place in the parent's list of children cost several times what
// handing over a receipt does, so they are made when somebody first asks for more
// than the deadline.
type lazyContext struct {
	parent   context.Context //nolint:containedctx // it is a context itself
	deadline time.Time

	mu     sync.Mutex
	real   context.Context //nolint:containedctx // it is a context itself
	cancel context.CancelFunc
	over   bool
}

// Deadline implements [context.Context].
func (c *lazyContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements [context.Context].
func (c *lazyContext) Done() <-chan struct{} { return c.made().Done() }

// Err implements [context.Context].
func (c *lazyContext) Err() error { return c.made().Err() }

// Value implements [context.Context]. It finds what the context package looks for
// in a parent, so children cost no goroutine.
func (c *lazyContext) Value(key any) any { return c.made().Value(key) }

func (c *lazyContext) made() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		c.real, c.cancel = context.WithDeadline(c.parent, c.deadline)
		if c.over {
			c.cancel()
		}
	}
	return c.real
}

// Root is the context that this one ends with, unless its deadline or the end of the work
// comes first. It costs nothing: whoever keeps to the deadline by other means, such as a
// client that has a clock for all its requests, watches the one root of all receipts.
func (c *lazyContext) Root() context.Context { return c.parent }

// end cancels the context: the work is over.
func (c *lazyContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}
