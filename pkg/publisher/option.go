package publisher

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ExpiresHeader is the header that [Expires] sets.
const ExpiresHeader = "Push-Expires"

// WaitedHeader is the header by which a publisher says for how many seconds it has kept
// a receipt, in digits: workers count a call that ended meanwhile as the old one that it
// is. The tries of this package set it after a second. Set it with [Header] on receipts
// that something else has kept before; their wait here is added.
const WaitedHeader = "Push-Waited"

// Option changes one message before it is published.
type Option func(*nats.Msg)

// Subject publishes to subject instead of [Config.Subject], for example to the
// shard "push.receipts.eu".
func Subject(subject string) Option {
	return func(m *nats.Msg) { m.Subject = subject }
}

// ID replaces the dedup id. An empty id leaves the one that there is.
func ID(id string) Option {
	return func(m *nats.Msg) {
		if id != "" {
			m.Header.Set(jetstream.MsgIDHeader, id)
		}
	}
}

// Expires says when the notification goes stale: from t on no handler sends it, and
// no provider keeps it for a device that is offline. A handler's own time to live
// counts if it ends earlier.
// A zero t sets nothing.
func Expires(t time.Time) Option {
	return func(m *nats.Msg) {
		if !t.IsZero() {
			m.Header.Set(ExpiresHeader, t.UTC().Format(time.RFC3339Nano))
		}
	}
}

// Header sets a header, its name spelled as given; NATS tells "Traceparent" from
// "traceparent". Line breaks in value become spaces. A name that NATS does not send, with
// a space, a slash or a colon for example, is refused with [ErrRefused].
func Header(name, value string) Option {
	return func(m *nats.Msg) { m.Header.Set(name, value) }
}
