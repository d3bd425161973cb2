package broker

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// Options says how to reach the broker. The zero value of everything but URL or
// InProcess is fine.
type Options struct {
	// URL is nats://host:port or tls://host:port, or several with commas between.
	URL string
	// Name is what the broker's operator sees, for example "pushworker host-1".
	Name string
	// CredsFile and NKeyFile authenticate by JWT or by plain NKey seed.
	CredsFile, NKeyFile string
	// CAFile holds the authorities to trust, CertFile and KeyFile the client's own
	// certificate; all PEM.
	CAFile, CertFile, KeyFile string
	// InboxPrefix is the prefix of the reply subjects, for brokers that restrict
	// what a user may subscribe to; empty means _INBOX.
	InboxPrefix string
	// InProcess, when set, connects to the embedded broker through a pipe, and URL
	// is not used.
	InProcess nats.InProcessConnProvider
	// Log gets one line per disconnect, reconnect and refusal.
	Log zerolog.Logger
}

// Conn is a connection to the broker. Its methods are safe for concurrent use.
type Conn struct {
	nc *nats.Conn
}

// Connect waits for the first connection until ctx ends. Afterwards the
// connection is restored for ever, with jitter, whenever it breaks.
func Connect(ctx context.Context, o Options) (*Conn, error) {
	return nil, errors.New("not built yet")
}

// Close sends what is buffered and closes the connection; it takes at most five
// seconds. Sources must have returned from Pull before.
func (c *Conn) Close() {}

// Connected reports whether the broker can be reached at this moment.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }
