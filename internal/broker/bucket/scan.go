package bucket

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// scanBatch is how many messages a consumer asks for at a time.
	scanBatch = 256
	// heartbeat is how often the broker says that there is no change; twice as long
	// a silence ends a feed.
	heartbeat = 5 * time.Second
	// expiry and up to jitter more is how long the broker keeps a request for changes. It
	// removes the consumer after a minute without one.
	expiry, jitter = 40 * time.Second, 10 * time.Second
)

// Start says where a [Feed] begins.
type Start uint8

// The starts.
const (
	// FromNow is what is written from now on.
	FromNow Start = iota + 1
	// FromStored is what there is, and then what is written.
	FromStored
)

// Feed is what is written to keys, deletions included, in its order.
type Feed struct {
	bucket   Bucket
	messages jetstream.MessagesContext
	nth      uint64
	left     uint64
}

// Feed follows the keys that match. Close it.
func (b Bucket) Feed(ctx context.Context, match string, from Start) (*Feed, error) {
	policy := jetstream.DeliverNewPolicy
	if from == FromStored {
		policy = jetstream.DeliverAllPolicy
	}
	return b.feed(ctx, "watch", match, policy, 0)
}

// feed makes a consumer of the keys that match. The broker removes it a minute after
// it has last been asked.
func (b Bucket) feed(ctx context.Context, name, match string, from jetstream.DeliverPolicy, seq uint64) (*Feed, error) {
	config := jetstream.ConsumerConfig{
		Name: name + "-" + nuid.Next(), Description: "reads a bucket",
		FilterSubject: b.Subject(match),
		DeliverPolicy: from, OptStartSeq: seq, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	}
	subject := "$JS.API.CONSUMER.CREATE." + b.Stream() + "." + config.Name + "." + config.FilterSubject
	var made jetstream.Consumer
	err := b.Conn.Ask(ctx, subject, func(ctx context.Context) (err error) {
		made, err = b.Conn.JetStream().CreateConsumer(ctx, b.Stream(), config)
		return err
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, b.Missing
	}
	f := &Feed{bucket: b}
	if err == nil {
		f.messages, err = made.Messages(jetstream.PullMaxMessages(scanBatch), jetstream.PullHeartbeat(heartbeat), jetstream.PullExpiry(expiry+rand.N(jitter))) //nolint:gosec // needs no secrecy
	}
	if err != nil {
		return nil, fmt.Errorf("reading bucket %s: %w", b.Name, err)
	}
	if from != jetstream.DeliverNewPolicy {
		f.left = made.CachedInfo().NumPending
	}
	return f, nil
}

// Left is how many of the keys that were there are still to come.
func (f *Feed) Left() uint64 { return f.left }

// Close ends the feed.
func (f *Feed) Close() { f.messages.Stop() }

// Next waits for the next write. After an error the feed is of no use: something may
// have been missed.
func (f *Feed) Next(ctx context.Context) (e device.Keyed, err error) {
	f.nth++
	m, err := f.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return e, f.failed(errors.Join(context.Cause(ctx), err))
	}
	meta, err := m.Metadata()
	switch {
	case err != nil:
		return e, f.failed(err)
	case meta.Sequence.Consumer != f.nth:
		return e, f.failed(fmt.Errorf("message %d came where message %d was due", meta.Sequence.Consumer, f.nth))
	}
	f.left = meta.NumPending
	return device.Keyed{
		Key:   f.bucket.key(m.Subject()),
		Entry: device.Entry{Value: broker.KVValue(m.Data(), m.Headers()), Revision: meta.Sequence.Stream},
	}, nil
}

func (f *Feed) failed(err error) error {
	return fmt.Errorf("reading bucket %s: %w", f.bucket.Name, err)
}

func (b Bucket) key(subject string) string { return strings.TrimPrefix(subject, b.Subject("")) }

// Scan implements [device.Store]. It reads by a consumer, because a direct get counts
// what is left each time: a million keys would cost the broker three minutes.
func (b Bucket) Scan(ctx context.Context, prefix string) iter.Seq2[device.Keyed, error] {
	return func(yield func(device.Keyed, error) bool) {
		c := scan{Bucket: b, match: prefix + ">", next: 1, yield: yield}
		for try := 1; ; try++ {
			from := c.next
			err := c.run(ctx)
			if c.next > from {
				try = 1
			}
			switch {
			case err == nil:
				return
			case ctx.Err() != nil, errors.Is(err, b.Missing), try == broker.ReadTries:
				yield(device.Keyed{}, err)
				return
			}
			_ = sleep.For(ctx, broker.ReadPause) // the next try tells that ctx has ended
		}
	}
}

// scan is one run over the keys of the bucket. A consumer that is lost, because the
// connection was, or because the reader has paused for longer than it is kept, is
// followed by another.
type scan struct {
	Bucket

	match string
	next  uint64 // the sequence to go on at
	yield func(device.Keyed, error) bool
}

// run yields keys until none is left or wanted.
func (c *scan) run(ctx context.Context) error {
	feed, err := c.feed(ctx, "scan", c.match, jetstream.DeliverByStartSequencePolicy, c.next)
	if err != nil {
		return err
	}
	defer feed.Close()
	for feed.Left() > 0 {
		e, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		c.next = e.Revision + 1
		if e.Value != nil && !c.yield(e, nil) {
			return nil
		}
	}
	return nil
}
