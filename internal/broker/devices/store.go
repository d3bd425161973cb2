package devices

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
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// markerTTL is how long a deletion is remembered.
	markerTTL = "1h"
	// errTTLDisabled is the code of a stream without TTLs of its messages.
	errTTLDisabled = 10166
)

// store is the bucket as a [device.Store]. It speaks to the bucket's stream,
// because a KV client reads one key at a time.
type store struct {
	conn *broker.Conn
	// mine is the mask of the bucket that was opened; nil before.
	mine *device.Mask
}

var _ device.Store = (*store)(nil)

// Read implements [device.Store]. It takes one round trip per 1,024 keys. It asks for
// the mask along with them: in a bucket that was emptied or made anew everybody would
// look like a user without devices.
func (s *store) Read(ctx context.Context, keys []string) ([]device.Entry, error) {
	if s.mine == nil {
		return s.read(ctx, keys)
	}
	entries, err := s.read(ctx, append(slices.Clip(keys), maskKey))
	if err != nil {
		return nil, err
	}
	if m, err := parseMask(entries[len(keys)].Value); err != nil || m != *s.mine {
		if err := s.sameBucket(ctx); err != nil {
			return nil, err
		}
	}
	return entries[:len(keys)], nil
}

// sameBucket returns an error if the bucket is not the one that was opened.
func (s *store) sameBucket(ctx context.Context) error {
	mask, err := s.find(ctx)
	switch {
	case errors.Is(err, errNoMask): // an operator has deleted it, so that tokens get other masks
		return nil
	case err == nil && mask != *s.mine:
		return errReplaced
	}
	return err
}

func (s *store) read(ctx context.Context, keys []string) ([]device.Entry, error) {
	entries := make([]device.Entry, len(keys))
	for from := 0; from < len(keys); from += broker.MaxLast {
		to := min(from+broker.MaxLast, len(keys))
		if err := s.readLast(ctx, keys[from:to], entries[from:to]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// readLast reads up to MaxLast keys. Those that did not fit into an answer are
// asked for again.
func (s *store) readLast(ctx context.Context, keys []string, entries []device.Entry) error {
	index := make(map[string]int, len(keys))
	for i, key := range keys {
		index[wire.DevicesPrefix+key] = i
	}
	for {
		answers, err := s.ask(ctx, broker.Query{Last: slices.Collect(maps.Keys(index)), MaxBytes: broker.MaxAnswer})
		for _, a := range answers {
			if i, asked := index[a.subject]; asked {
				entries[i] = a.entry
				delete(index, a.subject)
			}
		}
		if !errors.Is(err, broker.ErrAnswerCut) {
			return err
		}
	}
}

// Write implements [device.Store].
func (s *store) Write(ctx context.Context, key string, value []byte, revision uint64) (written uint64, err error) {
	ttl := ""
	if value == nil {
		ttl = markerTTL
	}
	return s.write(ctx, key, value, revision, ttl)
}

// write is Write of what is kept for as long as ttl says; empty is for ever.
func (s *store) write(ctx context.Context, key string, value []byte, revision uint64, ttl string) (written uint64, err error) {
	m := nats.NewMsg(wire.DevicesPrefix + key)
	m.Data = value
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(revision, 10))
	if value == nil {
		m.Header.Set(broker.KVOperation, "DEL")
	}
	if ttl != "" {
		m.Header.Set(jetstream.MsgTTLHeader, ttl)
	}
	err = s.conn.Ask(ctx, m.Subject, func(ctx context.Context) error {
		ack, err := s.conn.JetStream().PublishMsg(ctx, m, jetstream.WithExpectStream(wire.DevicesStream))
		if err == nil {
			written = ack.Sequence
		}
		return err
	})
	if err != nil {
		return 0, writeError(err)
	}
	return written, nil
}

func writeError(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return ErrNoBucket
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	switch {
	case !ok:
	case api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence, api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return device.ErrConflict
	case api.ErrorCode == errTTLDisabled:
		err = fmt.Errorf("%w: run once with PUSHWORKER_PROVISION=true, or `nats stream edit %s --allow-msg-ttl`", err, wire.DevicesStream)
	}
	return fmt.Errorf("writing to bucket %s: %w", wire.DevicesBucket, err)
}

// ErrNoBucket says that the device directory has no bucket, or one without its mask.
var ErrNoBucket = errors.New("there is no bucket " + wire.DevicesBucket + " with devices: on a new installation the first `pushworker run` or " +
	"`pushworker device put` makes it, with PUSHWORKER_PROVISION=true and a user who may create streams; " + restoreDevices)

// restoreDevices is what to do about devices that were lost.
const restoreDevices = "if there were devices, restore them with `pushworker device import --create FILE`, and start the workers again"

// What became of a bucket that was there.
var (
	errEmptied  = fmt.Errorf("%w: bucket %s was emptied", ErrNoBucket, wire.DevicesBucket)
	errNoMask   = errors.New("bucket " + wire.DevicesBucket + " has no mask yet")
	errReplaced = errors.New("bucket " + wire.DevicesBucket + " was deleted and created again: register its devices again, then restart the workers")
)

// stored is a message of the bucket.
type stored struct {
	subject string
	entry   device.Entry
}

// ask asks the bucket's stream for several messages at once. When there are more than
// were sent, it returns [ErrAnswerCut] with what there is.
func (s *store) ask(ctx context.Context, q broker.Query) (answers []stored, err error) {
	for range broker.ReadTries {
		answers = make([]stored, 0, max(len(q.Last), q.Batch))
		err = s.conn.DirectGet(ctx, wire.DevicesStream, q, func(seq uint64, m *nats.Msg) {
			answers = append(answers, stored{broker.LastOf(m.Header, jetstream.SubjectHeader), device.Entry{Value: broker.KVValue(m.Data, m.Header), Revision: seq}})
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
		return nil, ErrNoBucket
	}
	return nil, fmt.Errorf("reading bucket %s: %w", wire.DevicesBucket, err)
}
