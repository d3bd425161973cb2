package push

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Delivery is what the queue knows of a receipt that it hands to a handler.
type Delivery struct {
	// Stream and Seq are where the receipt was published, and Published when. They stay
	// the same through retries, splits and dead letters.
	Stream    string
	Seq       uint64
	Published time.Time
	// Waited is how long its publisher had kept the receipt before, because the broker
	// was away; zero for less than a second.
	Waited time.Duration
	// Expires is when the publisher said that the receipt goes stale; zero for never.
	Expires time.Time
	// Attempt counts the handler's attempts at the receipt, this one included: 1 for
	// the first.
	Attempt int
	// Header holds the publisher's own headers; nil when there are none. It is to be
	// read, never written.
	Header map[string][]string
}

// ID names the receipt among all that were ever published, in every attempt alike:
// letters, digits, "-" and "_". It is "" for a receipt that comes from no queue.
func (d Delivery) ID() string {
	if d.Stream == "" {
		return ""
	}
	at := strconv.FormatInt(d.Published.UnixMilli(), 36) // a stream that is made anew counts from 1 again
	return fmt.Sprintf("%s-%d-%s", d.Stream, d.Seq, at)
}

// Handed is when the chat server gave the receipt to its publisher: when it was
// published, or earlier if its publisher had to keep it. It is never later, whatever
// the publisher says. Zero if it is not known when it was published.
func (d Delivery) Handed() time.Time {
	if d.Published.IsZero() || d.Waited <= 0 {
		return d.Published
	}
	return d.Published.Add(-d.Waited)
}

// Trace is the W3C trace context that the publisher sent with the receipt, as the
// values of the headers traceparent and tracestate; "" when there is none. The case of
// the headers' names does not matter.
func (d Delivery) Trace() (parent, state string) {
	for name, values := range d.Header {
		switch {
		case len(values) == 0:
		case strings.EqualFold(name, "traceparent"):
			parent = values[0]
		case strings.EqualFold(name, "tracestate"):
			state = values[0]
		}
	}
	return parent, state
}

// Delivery is what the queue knows of r; zero when r comes from no queue.
func (r *Receipt) Delivery() Delivery {
	if r.delivery == nil {
		return Delivery{}
	}
	return *r.delivery
}

// Stamp says what the queue knows of r; d is not changed afterwards. It gives a receipt
// whose chat server said no time that of [Delivery.Handed], in the form of the chat
// server's own: UTC, to the millisecond.
func (r *Receipt) Stamp(d *Delivery) {
	r.delivery = d
	if r.Payload.Timestamp.IsZero() {
		r.Payload.Timestamp = d.Handed().UTC().Truncate(time.Millisecond)
	}
}

// Expires is when r's publisher said that it goes stale; zero for never.
func (r *Receipt) Expires() time.Time {
	if r.delivery == nil {
		return time.Time{}
	}
	return r.delivery.Expires
}

// handed is [Delivery.Handed]; zero if that is not known.
func (r *Receipt) handed() time.Time {
	if r.delivery == nil {
		return time.Time{}
	}
	return r.delivery.Handed()
}
