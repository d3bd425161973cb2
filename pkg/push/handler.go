package push

import (
	"context"
	"time"
)

// Handler carries receipts to one push provider. It owns a channel; whoever has
// a receipt for it sends without blocking and drops the receipt if that is not
// possible. Most handlers are made with [Adapt] and never touch a channel.
type Handler interface {
	// Init configures the handler from the JSON text of its config, which may be
	// empty, and starts its work.
	Init(jsonconf string) error
	// IsReady reports whether the handler takes receipts now.
	IsReady() bool
	// Push is the channel on which the handler takes receipts. The receipt is
	// dropped if the channel would block. Nobody closes it.
	Push() chan<- *Receipt
	// Stop ends the handler's work. It may be called more than once.
	Stop()
}

// Reporter marks a Handler that calls [Receipt.Done] for every receipt it takes.
// A handler without the mark, as in Tinode, cannot report an outcome: its receipt is
// settled as delivered at the moment when its channel takes it.
type Reporter interface {
	Handler
	// ReportsOutcome does nothing; having it is the promise.
	ReportsOutcome()
}

// Notifier is a Handler that may say that it shows notifications on users' devices. It
// is then spared what a user has read elsewhere meanwhile, and gets the newest badge of
// a user instead of an older one. Other handlers get receipts as they were published.
type Notifier interface {
	Handler
	Notifies() bool
}

// Drainer is a Handler that can stop within a deadline. Drain takes no further
// receipts, hands back with [ErrNotStarted] what it has not started, and waits
// for the rest. When ctx ends first, running work is cancelled with the cause
// [ErrStopping] and Drain returns ctx's error once the work has had a moment to
// leave. Stop is Drain with the handler's own deadline.
type Drainer interface {
	Handler
	Drain(ctx context.Context) error
}

// Expirer is a Handler whose notifications go stale. TTL is how long after
// [Receipt.Event] r is still worth sending; zero or less means for ever. What the
// publisher said, [Receipt.Expires], counts for every handler.
type Expirer interface {
	Handler
	TTL(r *Receipt) time.Duration
}
