package publisher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/pushworker/pushworker/pkg/push"
)

// Ack is the broker's word that a receipt is stored.
type Ack struct {
	// Stream and Seq are where the receipt is stored.
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	// Duplicate says that the stream had the dedup id already: the receipt was
	// published before, or an earlier try of this call was stored and only its
	// acknowledgement was lost.
	Duplicate bool `json:"duplicate"`
}

// Publisher publishes receipts over one connection. Its methods may be called
// from any goroutine.
type Publisher struct {
	nc    *nats.Conn
	cfg   Config
	inbox string // of the acknowledgements, with the final dot
	sub   *nats.Subscription
	// slots holds one element per receipt in flight.
	slots chan struct{}
	// closing is closed by the first Close.
	closing chan struct{}
	// status brings the connection's losses to watch, and watching waits for it.
	status   chan nats.Status
	watching sync.WaitGroup

	mu      sync.Mutex
	flights map[string]*flight // by reply subject; being in it is being unsettled
	last    uint64             // number of the last flight, for its reply subject
	current *wave              // of the flights that begin
	earlier []*wave            // those that somebody waits for, until they are over

	callbacks callbacks
}

// New returns a Publisher on nc, which stays the caller's: close the Publisher
// first, then drain or close nc. nc need not be connected yet. Reconnects are
// nc's business; give it [nats.MaxReconnects] of -1, or a broker that is down for
// long ends it for good.
func New(nc *nats.Conn, cfg Config) (*Publisher, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	inbox := nc.NewInbox()
	p := &Publisher{
		nc:      nc,
		cfg:     cfg,
		inbox:   inbox + ".",
		slots:   make(chan struct{}, cfg.MaxInFlight), // a semaphore
		closing: make(chan struct{}),
		flights: make(map[string]*flight),
		current: newWave(),
	}
	p.status = nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	if p.sub, err = nc.Subscribe(inbox+".*", p.onReply); err != nil {
		nc.RemoveStatusListener(p.status)
		return nil, fmt.Errorf("subscribe to the inbox of acknowledgements, is the connection open? %w", err)
	}
	p.watching.Go(p.watch)
	return p, nil
}

// Publish publishes r and waits until the broker has stored it, trying again for
// as long as [Config] allows and ctx lasts. The error wraps one of this package's
// Err values, and the cause of ctx if that has ended; the cause alone if ctx had
// ended before the first try.
func (p *Publisher) Publish(ctx context.Context, r *push.Receipt, opts ...Option) (Ack, error) {
	parts, err := p.parts(ctx, r, opts)
	if err != nil {
		return Ack{}, err
	}
	since, all := time.Now(), Ack{Duplicate: true}
	for _, part := range parts {
		ack, err := p.await(ctx, part.msg, since)
		if err != nil {
			return Ack{}, err
		}
		all = all.and(ack)
	}
	return all, nil
}

// PublishRaw is [Publisher.Publish] for a receipt that is JSON already. The bytes
// are published as they are and are not checked; pushworker makes a dead letter
// of what is not a receipt. Without an [ID] the message gets an id of its own:
// publishing the same data in a second call stores it a second time.
func (p *Publisher) PublishRaw(ctx context.Context, data []byte, opts ...Option) (Ack, error) {
	msg, err := p.message(ctx, p.subjectOf(data), data, "", opts)
	if err != nil {
		return Ack{}, err
	}
	return p.await(ctx, msg, time.Now())
}

// PublishAsync publishes r without waiting for the acknowledgement. It waits for
// room if [Config.MaxInFlight] receipts are in flight. ctx ends this wait and
// nothing else: a receipt once accepted is tried again as [Config] says.
//
// If PublishAsync returns nil, done is called exactly once, at the latest when
// Close gives up or the connection is closed; if it returns an error, never. done
// may publish again; it must not wait for itself, as Flush and Close do. The callbacks
// run one after the other, so that a slow one holds up the others, but no
// acknowledgement. r is the caller's again when PublishAsync returns. done may be nil.
func (p *Publisher) PublishAsync(ctx context.Context, r *push.Receipt, done func(Ack, error), opts ...Option) error {
	parts, err := p.parts(ctx, r, opts)
	if err != nil {
		return err
	}
	if len(parts) == 1 {
		_, err = p.launch(ctx, parts[0].msg, time.Now(), done, true)
		return err
	}
	return p.launchAll(ctx, parts, done)
}

// PublishRawAsync is [Publisher.PublishAsync] for a receipt that is JSON already,
// as [Publisher.PublishRaw] is Publish. data is not copied and must not change
// until done is called.
func (p *Publisher) PublishRawAsync(ctx context.Context, data []byte, done func(Ack, error), opts ...Option) error {
	msg, err := p.message(ctx, p.subjectOf(data), data, "", opts)
	if err != nil {
		return err
	}
	_, err = p.launch(ctx, msg, time.Now(), done, true)
	return err
}

// Flush waits until the receipts that were in flight when it was called have been
// acknowledged or given up, and their callbacks have returned, or until ctx ends. It
// does not wait for those published meanwhile.
func (p *Publisher) Flush(ctx context.Context) error {
	for _, w := range p.waves() {
		select {
		case <-w.over:
		case <-ctx.Done():
			return fmt.Errorf("wait for acknowledgements: %w", context.Cause(ctx))
		}
	}
	return nil
}

// Close takes no further receipts, waits for those in flight as [Publisher.Flush]
// does, and lets go of the connection without closing it. When ctx ends first,
// the receipts that remain are given up with [ErrUnavailable] and Close returns an
// error; they may or may not be stored. It may be called more than once.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.isClosed() {
		close(p.closing)
	}
	p.mu.Unlock()
	err := p.Flush(ctx)
	if err != nil {
		p.abandon(err)
		_ = p.Flush(context.WithoutCancel(ctx)) // what is given up is told of, too
	}
	_ = p.sub.Unsubscribe() // fails only if the subscription is gone already
	p.nc.RemoveStatusListener(p.status)
	p.watching.Wait()
	return err
}

// isClosed reports whether Close was called.
func (p *Publisher) isClosed() bool {
	select {
	case <-p.closing:
		return true
	default:
		return false
	}
}

// message makes the message of data for a subject, which an option may change.
func (p *Publisher) message(ctx context.Context, subject string, data []byte, id string, opts []Option) (*nats.Msg, error) {
	msg := &nats.Msg{Subject: subject, Data: data, Header: make(nats.Header, 2)}
	if p.cfg.Trace != nil {
		for name, value := range p.cfg.Trace(ctx) {
			msg.Header.Set(strings.ToLower(name), value)
		}
	}
	ID(id)(msg)
	for _, option := range opts {
		option(msg)
	}
	if msg.Header.Get(jetstream.MsgIDHeader) == "" {
		msg.Header.Set(jetstream.MsgIDHeader, nuid.Next())
	}
	return msg, errors.Join(checkSubject(msg.Subject), checkHeader(msg.Header))
}

// await launches msg, which there is since then, and waits for its end.
func (p *Publisher) await(ctx context.Context, msg *nats.Msg, since time.Time) (Ack, error) {
	type outcome struct {
		ack Ack
		err error
	}
	end := make(chan outcome, 1)
	f, err := p.launch(ctx, msg, since, func(ack Ack, err error) { end <- outcome{ack, err} }, false)
	if err != nil {
		return Ack{}, err
	}
	select {
	case o := <-end:
		return o.ack, o.err
	case <-ctx.Done():
		p.giveUp(f, context.Cause(ctx))
		o := <-end
		return o.ack, o.err
	}
}
