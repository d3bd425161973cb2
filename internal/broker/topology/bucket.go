package topology

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

// position is how far a lane is, recorded outside its durable, which somebody may
// delete. It is never ahead of the durable: what it says is settled is settled.
type position struct {
	// Stream is when the stream was made of which Settled is a sequence; zero before
	// the stream was there.
	Stream time.Time `json:"stream,omitzero"`
	// Settled is the sequence up to which everything is settled.
	Settled uint64 `json:"settled"`
	// PausedUntil is when a pause ends; zero if there is none.
	PausedUntil time.Time `json:"paused_until,omitzero"`
	// Left says that the worker that wrote this has stopped running the lane.
	Left bool `json:"left,omitempty"`

	written time.Time // by the broker's clock
}

// PositionKey is the subject of what is recorded of a lane.
func (t Topology) PositionKey(lane string) string {
	return wire.LanesPrefix + t.Receipts() + "." + lane
}

// positionOf is the position of a durable of a stream that was made at created.
func positionOf(info *jetstream.ConsumerInfo, created time.Time) position {
	p := position{Stream: created, Settled: info.AckFloor.Stream}
	if info.Paused && info.Config.PauseUntil != nil {
		p.PausedUntil = *info.Config.PauseUntil
	}
	return p
}

// positionBucket is the wanted bucket of positions.
func (t Topology) positionBucket() Wanted {
	w := Bucket(wire.LanesBucket, "how far lanes are, in case their durables are deleted; keys <stream>.<lane>", t.Replicas)
	w.Otherwise = "remove it with `nats kv del " + wire.LanesBucket + "` and start again"
	return w
}

// record writes the position of a lane.
func record(ctx context.Context, c *broker.Conn, t Topology, lane string, p position) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding a position: %w", err)
	}
	return putPosition(ctx, c, &nats.Msg{Subject: t.PositionKey(lane), Data: data})
}

// ForgetPosition has a lane be new again.
func ForgetPosition(ctx context.Context, c *broker.Conn, t Topology, lane string) error {
	var errs []error
	for _, shard := range t.Each() {
		errs = append(errs, shard.forget(ctx, c, lane))
	}
	return errors.Join(errs...)
}

func (t Topology) forget(ctx context.Context, c *broker.Conn, lane string) error {
	err := putPosition(ctx, c, &nats.Msg{Subject: t.PositionKey(lane), Header: nats.Header{broker.KVOperation: {"DEL"}}})
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return nil // there is no bucket
	}
	return err
}

func putPosition(ctx context.Context, c *broker.Conn, m *nats.Msg) error {
	m.Subject = c.Subject(m.Subject)
	err := c.Ask(ctx, m.Subject, func(ctx context.Context) error {
		_, err := c.JetStream().PublishMsg(ctx, m, jetstream.WithExpectStream(wire.LanesStream), jetstream.WithRetryAttempts(0))
		return err
	})
	if err != nil {
		return fmt.Errorf("writing to bucket %s: %w", wire.LanesBucket, err)
	}
	return nil
}

// recorded reads what is recorded of the lanes of t's streams of receipts, by key. Without a
// bucket that is nothing.
func recorded(ctx context.Context, c *broker.Conn, t Topology) (map[string]position, error) {
	all := make(map[string]position)
	var keys []string
	for _, shard := range t.Each() {
		keys = append(keys, shard.PositionKey("*"))
	}
	q := broker.Query{Last: keys, Most: broker.MaxLast, MaxBytes: broker.MaxAnswer}
	err := c.DirectGet(ctx, wire.LanesStream, q, func(_ uint64, m *nats.Msg) {
		var p position
		if broker.KVValue(m.Data, m.Header) == nil || json.Unmarshal(m.Data, &p) != nil {
			return // deleted, or not ours
		}
		p.written, _ = time.Parse(time.RFC3339Nano, broker.LastOf(m.Header, jetstream.TimeStampHeaer))
		all[broker.LastOf(m.Header, jetstream.SubjectHeader)] = p
	})
	if err != nil && !errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("reading bucket %s: %w", wire.LanesBucket, err)
	}
	return all, nil
}
