package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/internal/outcome"
)

// LaneFacts says how far each lane of t's stream has come, whoever runs it. It needs
// $JS.API.CONSUMER.LIST of the stream.
func (c *Conn) LaneFacts(ctx context.Context, t Topology) ([]explain.Lane, error) {
	durables, err := c.durablesOf(ctx, t.Stream)
	if err != nil {
		return nil, err
	}
	lanes := make([]explain.Lane, 0, len(durables))
	for _, info := range durables {
		begun, skips := info.Created, info.Config.DeliverPolicy == jetstream.DeliverNewPolicy
		if at := info.Config.OptStartTime; at != nil {
			begun, skips = *at, true
		}
		lanes = append(lanes, explain.Lane{
			Handler: info.Config.Durable, Created: begun, Newcomer: skips,
			Delivered: info.Delivered.Stream, Settled: info.AckFloor.Stream, Unsettled: info.NumAckPending, Paused: info.Paused,
		})
	}
	return lanes, nil
}

// RetryFacts yields the receipts that wait in t's retry stream, and stops after the
// first error.
func (c *Conn) RetryFacts(ctx context.Context, t Topology) iter.Seq2[explain.Retry, error] {
	return func(yield func(explain.Retry, error) bool) {
		for m, err := range c.History(t.retryStream()).Read(ctx, Stretch{}) {
			if err != nil {
				yield(explain.Retry{}, err)
				return
			}
			if r, ok := retryFact(m); ok && !yield(r, nil) {
				return
			}
		}
	}
}

// retryFact reads a waiting retry; ok is false for what was put there by hand.
func retryFact(m Stored) (r explain.Retry, ok bool) {
	h := nats.Header(m.Header)
	handler := retryLane(m.Subject)
	var o consumer.Origin
	readRetry(&o, h, handler)
	r = explain.Retry{
		Handler: handler, Stream: o.RootStream, StreamSeq: o.RootSeq, Attempts: o.Attempts, Error: h.Get(headerError),
	}
	subject := m.Subject
	if at, scheduled := strings.CutPrefix(h.Get(jetstream.ScheduleHeader), "@at "); scheduled {
		subject = h.Get(jetstream.ScheduleTargetHeader)
		r.Due, _ = time.Parse(time.RFC3339Nano, at) // of our own making
	}
	r.Alone = strings.HasSuffix(subject, suspectsToken)
	return r, r.Handler != "" && r.StreamSeq != 0
}

// retryLane is the lane that a message of the retry stream is for.
func retryLane(subject string) string {
	rest, _ := strings.CutPrefix(subject, retryPrefix)
	rest, _ = strings.CutPrefix(rest, schedulePrefix)
	lane, _, _ := strings.Cut(rest, ".")
	return lane
}

// EventFacts yields the outcomes since a time of the receipts with these sequences
// in t's stream, and stops after the first error, which wraps [ErrNoEvents] when
// there is no stream of events.
func (c *Conn) EventFacts(ctx context.Context, t Topology, since time.Time, seqs ...uint64) iter.Seq2[outcome.Event, error] {
	return func(yield func(outcome.Event, error) bool) {
		if err := c.FindEvents(ctx, t); errors.Is(err, ErrNoEvents) {
			yield(outcome.Event{}, err)
			return
		}
		if c.briefFacts(ctx, t, since, seqs, yield) {
			c.wholeFacts(ctx, t, since, seqs, yield)
		}
	}
}

// wholeFacts yields those that were told one by one.
func (c *Conn) wholeFacts(ctx context.Context, t Topology, since time.Time, seqs []uint64, yield func(outcome.Event, error) bool) {
	needles := eventNeedles(seqs)
	wanted := func(e outcome.Event) bool { return e.Stream != t.Stream || yield(e, nil) }
	for m, err := range c.History(t.EventsStream()).Read(ctx, Stretch{Subject: outcomePrefix + ">", Since: since}) {
		if err != nil {
			yield(outcome.Event{}, err)
		}
		if err != nil || !yieldEvents(m.Data, needles, wanted) {
			return
		}
	}
}

// briefFacts yields those that were told in brief, and reports whether more are wanted.
func (c *Conn) briefFacts(ctx context.Context, t Topology, since time.Time, seqs []uint64, yield func(outcome.Event, error) bool) bool {
	for m, err := range c.History(t.EventsStream()).Read(ctx, Stretch{Subject: acceptedPrefix + ">", Since: since}) {
		if err != nil {
			return yield(outcome.Event{}, err) && false
		}
		if !slices.ContainsFunc(seqs, func(seq uint64) bool { return outcome.MentionsSeq(m.Data, seq) }) {
			continue
		}
		for e := range outcome.ReadBrief(m.Data) {
			if e.Stream == t.Stream && slices.Contains(seqs, e.StreamSeq) && !yield(e, nil) {
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

// FirstEvent returns when the oldest event was stored, zero if there is none.
func (c *Conn) FirstEvent(ctx context.Context, t Topology) (time.Time, error) {
	first, err := c.next(ctx, t.EventsStream(), 1, outcomePrefix+">")
	return first.stored, err
}

// Ends returns the first and the last sequence of t's stream, though the messages
// there may have been deleted; 0 for the last if there never was one.
func (c *Conn) Ends(ctx context.Context, t Topology) (first, last uint64, err error) {
	info, err := c.streamInfo(ctx, t.Stream)
	if err != nil {
		return 0, 0, fmt.Errorf("looking at stream %s: %w%s", t.Stream, err, missingRemedy(err))
	}
	return info.State.FirstSeq, info.State.LastSeq, nil
}

// WaitingLetters counts the dead letters that are neither redriven nor dropped.
func (c *Conn) WaitingLetters(ctx context.Context, t Topology) (uint64, error) {
	info, err := c.streamInfo(ctx, t.DeadStream())
	if err != nil {
		return 0, err
	}
	return info.State.Msgs, nil
}
