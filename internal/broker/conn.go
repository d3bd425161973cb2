package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

const (
	// RequestTimeout bounds one question to the broker and one publish.
	RequestTimeout = 5 * time.Second
	// closeTimeout bounds Close; abandonAfter is how long it then waits for the client
	// library, which may be in an attempt to connect.
	closeTimeout, abandonAfter = 5 * time.Second, 250 * time.Millisecond
	// reconnectWait and reconnectJitter space the attempts to reconnect: half a
	// second to one second after each round of the servers.
	reconnectWait, reconnectJitter = 500 * time.Millisecond, 500 * time.Millisecond
	// pingEvery and pingsLost tell a broker that vanished without a word, within a
	// minute; the client's own defaults take six.
	pingEvery, pingsLost = 20 * time.Second, 2
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
	// Domain is the JetStream domain to ask, and APIPrefix what stands for $JS.API where
	// another account's JetStream is imported. At most one of them is set; empty is the
	// JetStream of the server that is connected to.
	Domain, APIPrefix string
	// InProcess, when set, connects to the embedded broker through a pipe, and URL
	// is not used.
	InProcess nats.InProcessConnProvider
	// Log gets one line per disconnect, reconnect and refusal.
	Log zerolog.Logger
}

// Conn is a connection to the broker. Its methods are safe for concurrent use.
type Conn struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	api string // stands for $JS.API, with a dot at its end; empty if that is what it is
	// streams are those that were found elsewhere; see found.
	streams sync.Map
	log     zerolog.Logger
	life    *life
	first   chan struct{} // closed by the first connection
	failed  chan error    // why attempts at the first connection failed; room for the oldest unread
	closed  chan struct{} // closed when the connection is closed for good

	closeLimit time.Duration // closeTimeout, but in tests

	closing atomic.Bool
	flushed atomic.Bool     // Close had the broker confirm everything
	over    context.Context //nolint:containedctx // ends when nothing may wait for the broker any more
	end     context.CancelFunc
}

// Connect waits for the first connection until ctx ends; only a refusal of the
// credentials is returned at once. Afterwards the connection is restored for
// ever, with jitter, whenever it breaks.
func Connect(ctx context.Context, o Options) (*Conn, error) {
	c := &Conn{
		log: o.Log, life: newLife(), closeLimit: closeTimeout,
		first: make(chan struct{}), failed: make(chan error, 1), closed: make(chan struct{}),
	}
	c.over, c.end = context.WithCancel(context.WithoutCancel(ctx))
	opts, err := c.natsOptions(o)
	if err != nil {
		return nil, err
	}
	if c.nc, err = dial(ctx, o.URL, opts); err != nil {
		return nil, fmt.Errorf("connecting to the broker at %s: %w: check PUSHWORKER_NATS_URL and the files of PUSHWORKER_NATS_*", o.where(), err)
	}
	if c.js, err = c.openJetStream(o); err != nil {
		c.nc.Close()
		return nil, fmt.Errorf("opening JetStream: %w", err)
	}
	if err := c.waitFirst(ctx, o.where()); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// where is the broker's address without secrets.
func (o Options) where() string {
	if o.InProcess != nil {
		return "this process"
	}
	urls := strings.Split(o.URL, ",")
	for i, u := range urls {
		if at := strings.LastIndexByte(u, '@'); at >= 0 {
			scheme, _, ok := strings.Cut(u, "://")
			if !ok {
				scheme = "nats"
			}
			urls[i] = scheme + "://" + u[at+1:]
		}
	}
	return strings.Join(urls, ",")
}

func (c *Conn) waitFirst(ctx context.Context, where string) error {
	last := nats.ErrNoServers
	for {
		select {
		case <-c.first:
			return nil
		case last = <-c.failed:
			if isRefusal(last) {
				return fmt.Errorf("connecting to the broker at %s: %w: check the user's rights and PUSHWORKER_NATS_CREDS_FILE, _NKEY_FILE or _CERT_FILE", where, last)
			}
		case <-ctx.Done():
			return fmt.Errorf("connecting to the broker at %s: %w (%w): check that it runs and that PUSHWORKER_NATS_URL is right", where, last, context.Cause(ctx))
		}
	}
}

func isRefusal(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) ||
		errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAccountAuthExpired)
}

// Connected reports whether the broker can be reached at this moment.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }

// Reconnects is how often the connection was made anew since Connect.
func (c *Conn) Reconnects() uint64 { return c.nc.Stats().Reconnects }

// RoundTrip sends a ping and waits for its answer, for [RequestTimeout] at most.
func (c *Conn) RoundTrip(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	began := time.Now()
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return 0, fmt.Errorf("pinging the broker: %w", err)
	}
	return time.Since(began), nil
}

// MaxPayload is how many bytes a message may have, headers included.
func (c *Conn) MaxPayload() int64 { return c.nc.MaxPayload() }

// NATS is the connection of the client library, JetStream what it makes of it, and Log
// what [Options] gave. Questions go through [Conn.Ask].
func (c *Conn) NATS() *nats.Conn { return c.nc }

// JetStream is the client library's interface to the broker's streams.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

// Log is where the connection logs.
func (c *Conn) Log() *zerolog.Logger { return &c.log }
