package push

import "time"

const (
	// clockTolerance is how far a chat server's time of an event may differ from the
	// time of its publish before it is taken for that of a wrong clock.
	clockTolerance = 2 * time.Minute
	// callTolerance is clockTolerance for calls, which ring for seconds.
	callTolerance = 10 * time.Second
)

// Stamp says what the queue knows of r's times: when r was published, and when its
// publisher said that it goes stale, zero for never. It gives a receipt whose chat
// server said no time that of its publish, in the form of the chat server's own:
// UTC, to the millisecond.
func (r *Receipt) Stamp(published, expires time.Time) {
	r.published, r.expires = published, expires
	if r.Payload.Timestamp.IsZero() {
		r.Payload.Timestamp = published.UTC().Truncate(time.Millisecond)
	}
}

// Expires is when r's publisher said that it goes stale; zero for never.
func (r *Receipt) Expires() time.Time { return r.expires }

// Event is when what r tells of happened, by which its age counts: the payload's
// time. The time of the publish counts instead where the payload's is later, or
// differs from it by more than 2 minutes, 10 seconds for a call: such a time is
// that of a wrong clock. Zero if neither is known.
func (r *Receipt) Event() time.Time {
	at := r.Payload.Timestamp
	if !r.published.IsZero() && (at.After(r.published) || r.Skew() != 0) {
		return r.published
	}
	return at
}

// Skew is how far the chat server's clock is ahead of the time of the publish, if
// that is more than [Receipt.Event] tolerates; negative if it is behind, else 0.
func (r *Receipt) Skew() time.Duration {
	if r.published.IsZero() || r.Payload.Timestamp.IsZero() {
		return 0
	}
	tolerance := clockTolerance
	if r.Payload.What == ActMsg && r.Payload.Webrtc != "" {
		tolerance = callTolerance
	}
	if off := r.Payload.Timestamp.Sub(r.published); off.Abs() > tolerance {
		return off
	}
	return 0
}

// Stale is when r is not worth sending any more: ttl after its event, or what its
// publisher said, whichever is earlier. A ttl of zero or less is for ever. The
// result is zero if r never goes stale.
func (r *Receipt) Stale(ttl time.Duration) time.Time {
	event := r.Event()
	if ttl <= 0 || event.IsZero() {
		return r.expires
	}
	if at := event.Add(ttl); r.expires.IsZero() || at.Before(r.expires) {
		return at
	}
	return r.expires
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
