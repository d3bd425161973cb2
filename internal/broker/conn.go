package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

const (
	// requestTimeout bounds one question to the broker and one publish.
	requestTimeout = 5 * time.Second
	// closeTimeout bounds Close.
	closeTimeout = 5 * time.Second
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
	// InProcess, when set, connects to the embedded broker through a pipe, and URL
	// is not used.
	InProcess nats.InProcessConnProvider
	// Log gets one line per disconnect, reconnect and refusal.
	Log zerolog.Logger
}

// Conn is a connection to the broker. Its methods are safe for concurrent use.
type Conn struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	log    zerolog.Logger
	events *events
	first  chan struct{} // closed by the first connection
	failed chan error    // why attempts at the first connection failed; room for the oldest unread
	closed chan struct{} // closed when the connection is closed for good

	closing    atomic.Bool
	mayNotList atomic.Bool // the durables of streams
	positions  positions
}

// Connect waits for the first connection until ctx ends; only a refusal of the
// credentials is returned at once. Afterwards the connection is restored for
// ever, with jitter, whenever it breaks.
func Connect(ctx context.Context, o Options) (*Conn, error) {
	c := &Conn{
		log: o.Log, events: newEvents(),
		first: make(chan struct{}), failed: make(chan error, 1), closed: make(chan struct{}),
	}
	opts, err := c.natsOptions(o)
	if err != nil {
		return nil, err
	}
	if c.nc, err = nats.Connect(o.URL, opts...); err != nil {
		return nil, fmt.Errorf("connecting to the broker at %s: %w: check PUSHWORKER_NATS_URL and the files of PUSHWORKER_NATS_*", o.where(), err)
	}
	if c.js, err = jetstream.New(c.nc); err != nil {
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

// Close sends what is buffered and closes the connection; it takes at most five
// seconds. Sources must have returned from Pull before. It may be called more
// than once.
func (c *Conn) Close() {
	c.closing.Store(true)
	if err := c.nc.Drain(); err != nil {
		c.nc.Close()
	}
	deadline := time.NewTimer(closeTimeout)
	defer deadline.Stop()
	select {
	case <-c.closed:
	case <-deadline.C:
		c.nc.Close()
		<-c.closed
	}
}

// Connected reports whether the broker can be reached at this moment.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }

// Reconnects is how often the connection was made anew since Connect.
func (c *Conn) Reconnects() uint64 { return c.nc.Stats().Reconnects }

// ErrSilent says that the broker did not answer, or answered that it cannot now, as
// a cluster without a leader does: the same may succeed a moment later.
var ErrSilent = errors.New("the broker does not answer for now")

const (
	// leaderless is the error code of a cluster that has no leader or no quorum.
	leaderless = 10008
	// noPeers is the error code of a cluster that has no place for a stream; its
	// description says why: peers that are offline come back, tags do not change.
	noPeers = 10005
)

// request runs one question to the broker or one publish on subject, bounded by
// ctx and requestTimeout. The broker answers a forbidden subject with silence
// and an asynchronous error; request returns that as a [DeniedError] at once.
func (c *Conn) request(ctx context.Context, subject string, ask func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.events.onDenied(subject, cancel)()
	err := ask(ctx)
	if err == nil {
		return nil
	}
	if denied, ok := errors.AsType[*DeniedError](context.Cause(ctx)); ok {
		return denied
	}
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%w: start nats-server with -js, and enable JetStream for the account", err)
	case errors.Is(err, context.DeadlineExceeded) && !c.Connected():
		return fmt.Errorf("%w (%w): there is no connection to the broker", err, ErrSilent)
	case errors.Is(err, context.DeadlineExceeded), isLeaderless(err):
		return fmt.Errorf("%w (%w)", err, ErrSilent)
	}
	return err
}

// isLeaderless reports an answer of a cluster that is starting or has lost its quorum.
// For a moment before it has no leader, its leader says that too few peers are online.
func isLeaderless(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == leaderless ||
		api.ErrorCode == noPeers && strings.Contains(api.Description, "peer offline"))
}
