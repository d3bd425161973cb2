package push

import "time"

const (
	// clockTolerance is how far a chat server's time of an event may differ from the
	// time at which it gave it to its publisher before it is taken for that of a wrong
	// clock.
	clockTolerance = 2 * time.Minute
	// callTolerance is clockTolerance for calls, which ring for seconds.
	callTolerance = 10 * time.Second
)

// Event is when what r tells of happened, by which its age counts: the payload's
// time. The time of [Delivery.Handed] counts instead where the payload's is later, or
// differs from it by more than 2 minutes, 10 seconds for a call: such a time is
// that of a wrong clock. Zero if neither is known.
func (r *Receipt) Event() time.Time {
	at, handed := r.Payload.Timestamp, r.handed()
	if !handed.IsZero() && (at.After(handed) || r.Skew() != 0) {
		return handed
	}
	return at
}

// Skew is how far the chat server's clock is ahead of the time of [Delivery.Handed],
// if that is more than [Receipt.Event] tolerates; negative if it is behind, else 0.
func (r *Receipt) Skew() time.Duration {
	handed := r.handed()
	if handed.IsZero() || r.Payload.Timestamp.IsZero() {
		return 0
	}
	tolerance := clockTolerance
	if r.Payload.What == ActMsg && r.Payload.Webrtc != "" {
		tolerance = callTolerance
	}
	if off := r.Payload.Timestamp.Sub(handed); off.Abs() > tolerance {
		return off
	}
	return 0
}

// Stale is when r is not worth sending any more: ttl after its event, or what its
// publisher said, whichever is earlier. A ttl of zero or less is for ever. The
// result is zero if r never goes stale.
func (r *Receipt) Stale(ttl time.Duration) time.Time {
	event, expires := r.Event(), r.Expires()
	if ttl <= 0 || event.IsZero() {
		return expires
	}
	if at := event.Add(ttl); expires.IsZero() || at.Before(expires) {
		return at
	}
	return expires
}

// StaleFor is when r is not worth sending through h any more: [Receipt.Stale] with
// h's TTL if it has one.
func StaleFor(h Handler, r *Receipt) time.Time {
	ttl := time.Duration(0)
	if e, ok := h.(Expirer); ok {
		ttl = e.TTL(r)
	}
	return r.Stale(ttl)
}
