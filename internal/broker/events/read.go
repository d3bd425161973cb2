package events

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/outcome"
)

// Facts yields the outcomes since a time of the receipts with these sequences
// in t's first stream of receipts, and stops after the first error, which wraps [ErrNoStream] when
// there is no stream of events.
func Facts(ctx context.Context, c *broker.Conn, t topology.Topology, since time.Time, seqs ...uint64) iter.Seq2[outcome.Event, error] {
	return func(yield func(outcome.Event, error) bool) {
		if err := Find(ctx, c, t); errors.Is(err, ErrNoStream) {
			yield(outcome.Event{}, err)
			return
		}
		if briefFacts(ctx, c, t, since, seqs, yield) {
			wholeFacts(ctx, c, t, since, seqs, yield)
		}
	}
}

// wholeFacts yields those that were told one by one.
func wholeFacts(ctx context.Context, c *broker.Conn, t topology.Topology, since time.Time, seqs []uint64, yield func(outcome.Event, error) bool) {
	needles := eventNeedles(seqs)
	wanted := func(e outcome.Event) bool { return e.Stream != t.Receipts() || yield(e, nil) }
	for m, err := range history.New(c, t.EventsStream()).Read(ctx, history.Stretch{Subject: wire.OutcomePrefix + ">", Since: since}) {
		if err != nil {
			yield(outcome.Event{}, err)
		}
		if err != nil || !yieldEvents(m.Data, needles, wanted) {
			return
		}
	}
}

// briefFacts yields those that were told in brief, and reports whether more are wanted.
func briefFacts(ctx context.Context, c *broker.Conn, t topology.Topology, since time.Time, seqs []uint64, yield func(outcome.Event, error) bool) bool {
	for m, err := range history.New(c, t.EventsStream()).Read(ctx, history.Stretch{Subject: wire.AcceptedPrefix + ">", Since: since}) {
		if err != nil {
			return yield(outcome.Event{}, err) && false
		}
		if !slices.ContainsFunc(seqs, func(seq uint64) bool { return outcome.MentionsSeq(m.Data, seq) }) {
			continue
		}
		for e := range outcome.ReadBrief(m.Data) {
			if e.Stream == t.Receipts() && slices.Contains(seqs, e.StreamSeq) && !yield(e, nil) {
				return false
			}
		}
	}
	return true
}

// eventNeedles are what events of these receipts contain.
func eventNeedles(seqs []uint64) [][]byte {
	needles := make([][]byte, len(seqs))
	for i, seq := range seqs {
		needles[i] = []byte(`"stream_seq":` + strconv.FormatUint(seq, 10) + ",")
	}
	return needles
}

// yieldEvents yields the events in which a needle is found. There may be a million
// others, which are not worth decoding. What is no event was published by others.
func yieldEvents(message []byte, needles [][]byte, yield func(outcome.Event) bool) bool {
	for line := range bytes.Lines(message) {
		if !slices.ContainsFunc(needles, func(n []byte) bool { return bytes.Contains(line, n) }) {
			continue
		}
		for e, err := range outcome.Read(line) {
			if err == nil && !yield(e) {
				return false
			}
		}
	}
	return true
}

// First returns when the oldest event was stored, zero if there is none.
func First(ctx context.Context, c *broker.Conn, t topology.Topology) (time.Time, error) {
	first, err := c.First(ctx, t.EventsStream(), 1, wire.OutcomePrefix+">")
	return first.Stored, err
}
