package push

import "time"

// Tracer follows one receipt through its handler, for a queue that traces it. Its methods
// may be called from any goroutine and do not block.
type Tracer interface {
	// Context is the W3C trace context to send with requests about the receipt, as the
	// values of the headers traceparent and tracestate.
	Context() (parent, state string)
	// Requested is told of a request to the provider once it is over, before the receipt's
	// [Receipt.Done].
	Requested(q Request)
}

// Request is one request to a provider, as a [Tracer] learns of it: no token and no content.
type Request struct {
	// Provider is whom it was sent to, as devices name it.
	Provider string
	// Platform is that of the device; empty for a channel, and for several devices.
	Platform string
	// Devices counts those that it was for; 0 for a channel, or for nobody in particular.
	Devices int
	// Asked is when it was sent, and Answered when its outcome was known.
	Asked, Answered time.Time
	// Class is the class of the answer, one of a closed set (see [Metered]), and Code a short
	// word of the provider's own table; empty when there is none.
	Class, Code string
	// Accepted says that the provider has taken the message.
	Accepted bool
}

// Follow makes t the tracer of r. The queue calls it before it hands r to a handler;
// nobody else needs it.
func (r *Receipt) Follow(t Tracer) { r.tracer = t }

// Tracer is who follows r; nil when r is not traced, as most receipts are.
func (r *Receipt) Tracer() Tracer { return r.tracer }

// Trace is the W3C trace context to send with requests about r: that of its [Tracer], or
// else the one that its publisher sent, see [Delivery.Trace].
func (r *Receipt) Trace() (parent, state string) {
	if r.tracer != nil {
		return r.tracer.Context()
	}
	return r.Delivery().Trace()
}
