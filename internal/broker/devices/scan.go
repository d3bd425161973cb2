package devices

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
)

// scanBatch is how many messages a consumer asks for at a time.
const scanBatch = 256

// consumer makes a consumer of the keys that match. The broker removes it a minute after
// it has last been asked.
func (s *store) consumer(ctx context.Context, name, match string, from jetstream.DeliverPolicy, seq uint64) (made jetstream.Consumer, err error) {
	config := jetstream.ConsumerConfig{
		Name: name + "-" + nuid.Next(), Description: "reads a device directory",
		FilterSubject: wire.DevicesPrefix + match,
		DeliverPolicy: from, OptStartSeq: seq, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	}
	subject := "$JS.API.CONSUMER.CREATE." + wire.DevicesStream + "." + config.Name + "." + config.FilterSubject
	err = s.conn.Ask(ctx, subject, func(ctx context.Context) error {
		made, err = s.conn.JetStream().CreateConsumer(ctx, wire.DevicesStream, config)
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, ErrNoBucket
	case err != nil:
		return nil, fmt.Errorf("reading bucket %s: %w", wire.DevicesBucket, err)
	}
	return made, nil
}

// Scan implements [device.Store]. It reads by a consumer, because a direct get counts
// what is left each time: a million keys would cost the broker three minutes.
func (s *store) Scan(ctx context.Context, prefix string) iter.Seq2[device.Keyed, error] {
	return func(yield func(device.Keyed, error) bool) {
		c := scan{store: s, match: prefix + ">", next: 1, yield: yield}
		for try := 1; ; try++ {
			from := c.next
			err := c.run(ctx)
			if c.next > from {
				try = 1
			}
			switch {
			case err == nil:
				return
			case ctx.Err() != nil, errors.Is(err, ErrNoBucket), try == broker.ReadTries:
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
	*store

	match string
	next  uint64 // the sequence to go on at
	yield func(device.Keyed, error) bool
}

// run yields keys until none is left or wanted.
func (c *scan) run(ctx context.Context) error {
	consumer, err := c.consumer(ctx, "scan", c.match, jetstream.DeliverByStartSequencePolicy, c.next)
	if err != nil || consumer.CachedInfo().NumPending == 0 {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(scanBatch), jetstream.PullHeartbeat(watchHeartbeat))
	if err != nil {
		return fmt.Errorf("reading bucket %s: %w", wire.DevicesBucket, err)
	}
	defer messages.Stop()
	for nth := uint64(1); ; nth++ {
		e, left, err := nextKey(ctx, messages, nth)
		if err != nil {
			return fmt.Errorf("reading bucket %s: %w", wire.DevicesBucket, err)
		}
		c.next = e.Revision + 1
		if e.Value != nil && !c.yield(e, nil) || left == 0 {
			return nil
		}
	}
}

// nextKey waits for a consumer's nth message, and says how many are left.
func nextKey(ctx context.Context, messages jetstream.MessagesContext, nth uint64) (e device.Keyed, left uint64, err error) {
	m, err := messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return e, 0, errors.Join(context.Cause(ctx), err)
	}
	meta, err := m.Metadata()
	switch {
	case err != nil:
		return e, 0, err //nolint:wrapcheck // the callers do
	case meta.Sequence.Consumer != nth:
		return e, 0, fmt.Errorf("message %d came where message %d was due", meta.Sequence.Consumer, nth)
	}
	return device.Keyed{
		Key:   strings.TrimPrefix(m.Subject(), wire.DevicesPrefix),
		Entry: device.Entry{Value: broker.KVValue(m.Data(), m.Headers()), Revision: meta.Sequence.Stream},
	}, meta.NumPending, nil
}
