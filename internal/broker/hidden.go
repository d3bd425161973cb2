package broker

import (
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrHidden says that a stored message has malformed headers: the broker stores what a
// publisher writes, and adds its own behind it, where no client reads them any more.
var ErrHidden = errors.New("it has malformed headers, which hide its sequence: look at it with `nats stream get`, and remove it with `nats stream rmm`")

// ownHeaders is less than the bytes of the headers that the broker adds to a stored message.
const ownHeaders = 64

// Hidden reports whether an answer of the broker's is a stored message with such headers,
// whatever it looks like: more of them came over the wire than a client has read.
func Hidden(m *nats.Msg) bool {
	if LastOf(m.Header, jetstream.SequenceHeader) != "" {
		return false
	}
	read := len("NATS/1.0\r\n\r\n")
	for name, values := range m.Header {
		for _, value := range values {
			read += len(name) + len(value) + len(": \r\n")
		}
	}
	return m.Size()-len(m.Subject)-len(m.Reply)-len(m.Data) > read+ownHeaders
}
