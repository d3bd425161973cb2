// Package bucket reads, writes, scans and follows the keys of a KV bucket, as
// internal/device wants its [device.Store]. It speaks to the bucket's stream, because a KV
// client reads one key at a time. It refuses to know what the values mean. What is lost at
// its border: the history of a key, of which there is the last value alone.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// markerTTL is how long a deletion is remembered.
	markerTTL = "1h"
	// errTTLDisabled is the code of a stream without TTLs of its messages.
	errTTLDisabled = 10166
)

// Bucket is a KV bucket.
type Bucket struct {
	Conn *broker.Conn
	// Name is the bucket's.
	Name string
	// Missing is the error when there is no such bucket.
	Missing error
}

var _ device.Store = Bucket{}

// Stream is the bucket's stream.
func (b Bucket) Stream() string { return "KV_" + b.Name }

// Subject is the subject of a key, or of keys with wildcards.
func (b Bucket) Subject(key string) string { return "$KV." + b.Name + "." + key }

// Read implements [device.Store]. It takes one round trip per 1,024 keys.
func (b Bucket) Read(ctx context.Context, keys []string) ([]device.Entry, error) {
	entries := make([]device.Entry, len(keys))
	for from := 0; from < len(keys); from += broker.MaxLast {
		to := min(from+broker.MaxLast, len(keys))
		if err := b.readLast(ctx, keys[from:to], entries[from:to]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// readLast reads up to MaxLast keys. Those that did not fit into an answer are
// asked for again.
func (b Bucket) readLast(ctx context.Context, keys []string, entries []device.Entry) error {
	index := make(map[string]int, len(keys))
	for i, key := range keys {
		index[b.Subject(key)] = i
	}
	for {
		answers, err := b.Ask(ctx, broker.Query{Last: slices.Collect(maps.Keys(index)), MaxBytes: broker.MaxAnswer})
		for _, a := range answers {
			if i, asked := index[b.Subject(a.Key)]; asked {
				entries[i] = a.Entry
				delete(index, b.Subject(a.Key))
			}
		}
		if !errors.Is(err, broker.ErrAnswerCut) {
			return err
		}
	}
}

// Write implements [device.Store].
func (b Bucket) Write(ctx context.Context, key string, value []byte, revision uint64) (written uint64, err error) {
	ttl := ""
	if value == nil {
		ttl = markerTTL
	}
	return b.WriteFor(ctx, key, value, revision, ttl)
}

// WriteFor is Write of what is kept for as long as ttl says; empty is for ever.
func (b Bucket) WriteFor(ctx context.Context, key string, value []byte, revision uint64, ttl string) (written uint64, err error) {
	m := nats.NewMsg(b.Conn.Subject(b.Subject(key)))
	m.Data = value
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(revision, 10))
	if value == nil {
		m.Header.Set(broker.KVOperation, "DEL")
	}
	if ttl != "" {
		m.Header.Set(jetstream.MsgTTLHeader, ttl)
	}
	err = b.Conn.Ask(ctx, m.Subject, func(ctx context.Context) error {
		ack, err := b.Conn.JetStream().PublishMsg(ctx, m, jetstream.WithExpectStream(b.Stream()))
		if err == nil {
			written = ack.Sequence
		}
		return err
	})
	if err != nil {
		return 0, b.writeError(err)
	}
	return written, nil
}

func (b Bucket) writeError(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return b.Missing
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	switch {
	case !ok:
	case api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence, api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return device.ErrConflict
	case api.ErrorCode == errTTLDisabled:
		err = fmt.Errorf("%w: run `pushworker provision`, or `nats stream edit %s --allow-msg-ttl`", err, b.Stream())
	}
	return fmt.Errorf("writing to bucket %s: %w", b.Name, err)
}

// Ask asks the bucket's stream for several messages at once. When there are more than
// were sent, it returns [broker.ErrAnswerCut] with what there is.
func (b Bucket) Ask(ctx context.Context, q broker.Query) (answers []device.Keyed, err error) {
	for range broker.ReadTries {
		answers = make([]device.Keyed, 0, max(len(q.Last), q.Batch))
		err = b.Conn.DirectGet(ctx, b.Stream(), q, func(seq uint64, m *nats.Msg) {
			answers = append(answers, device.Keyed{
				Key:   b.key(broker.LastOf(m.Header, jetstream.SubjectHeader)),
				Entry: device.Entry{Value: broker.KVValue(m.Data, m.Header), Revision: seq},
			})
		})
		if !errors.Is(err, broker.ErrAnswerTorn) {
			break
		}
		_ = sleep.For(ctx, broker.ReadPause) // the next try tells that ctx has ended
	}
	switch {
	case err == nil, errors.Is(err, broker.ErrAnswerCut):
		return answers, err
	case errors.Is(err, nats.ErrNoResponders):
		return nil, b.Missing
	}
	return nil, fmt.Errorf("reading bucket %s: %w", b.Name, err)
}
