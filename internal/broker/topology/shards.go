package topology

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
)

// shardsKey is where the first stream of receipts says how many there are.
const shardsKey = "pushworker_shards"

// ErrShards says that there are more streams of receipts than somebody knows of.
var ErrShards = errors.New("receipts are in more streams than PUSHWORKER_STREAMS says")

// Each returns t narrowed to each of its streams of receipts, in their order. What acts on
// one stream takes one of them; retries, dead letters and events have a stream for all.
func (t Topology) Each() []Topology {
	if t.narrowed {
		return []Topology{t}
	}
	all := make([]Topology, max(1, t.Shards))
	for i := range all {
		all[i] = t
		all[i].shard, all[i].narrowed = i, true
	}
	return all
}

// Receipts is the name of the stream of receipts; of several, the first.
func (t Topology) Receipts() string {
	if t.shard == 0 {
		return t.Stream
	}
	return t.Stream + "_" + strconv.Itoa(t.shard)
}

// ReceiptStreams are the names of the streams of receipts, in their order.
func (t Topology) ReceiptStreams() []string {
	each := t.Each()
	names := make([]string, len(each))
	for i, shard := range each {
		names[i] = shard.Receipts()
	}
	return names
}

// subjects are those of one stream of receipts. The first of several keeps the plain
// subject, so that publishers who know of no shards still reach a stream.
func (t Topology) subjects() []string {
	if t.Shards <= 1 {
		return []string{t.Subject, t.Subject + ".>"}
	}
	own := t.Subject + "." + strconv.Itoa(t.shard)
	if t.shard == 0 {
		return []string{t.Subject, own, own + ".>"}
	}
	return []string{own, own + ".>"}
}

// sharded notes in the first stream how many there are.
func (t Topology) sharded(c *jetstream.StreamConfig) {
	if t.shard == 0 && t.Shards > 1 {
		c.Metadata = map[string]string{shardsKey: strconv.Itoa(t.Shards)}
	}
}

// noteShards copies what the first stream of receipts says of the others.
func noteShards(have, want *jetstream.StreamConfig) {
	if have.Metadata = maps.Clone(have.Metadata); have.Metadata == nil {
		have.Metadata = make(map[string]string)
	}
	have.Metadata[shardsKey] = want.Metadata[shardsKey]
}

// CheckShards returns an error that wraps [ErrShards] when receipts are in more streams
// than t has: whoever goes on sees some of them only. It asks for STREAM.INFO of the
// first; who may not ask, or finds no stream, is told nothing.
func CheckShards(ctx context.Context, c *broker.Conn, t Topology) error {
	info, err := c.StreamInfo(ctx, t.Stream)
	if err != nil {
		return nil //nolint:nilerr // whoever looks at the stream is told
	}
	return MoreShards(ctx, c, t, info)
}

// MoreShards is [CheckShards] for who has asked for the first stream.
func MoreShards(ctx context.Context, c *broker.Conn, t Topology, first *jetstream.StreamInfo) error {
	mine := max(1, t.Shards)
	there, err := strconv.Atoi(first.Config.Metadata[shardsKey])
	if err != nil || there <= mine {
		return nil //nolint:nilerr // it says nothing, or what t says, or t is about to make more
	}
	t.narrowed = true
	for t.shard = there - 1; t.shard >= mine; t.shard-- {
		if _, err := c.StreamInfo(ctx, t.Receipts()); !errors.Is(err, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("%w: there are %d, up to %s: set PUSHWORKER_STREAMS=%d. To have fewer, see docs/scale.md", ErrShards, t.shard+1, t.Receipts(), t.shard+1)
		}
	}
	return nil // they were removed
}
