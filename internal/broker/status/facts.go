package status

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/explain"
)

// LaneFacts says how far each lane of t's first stream of receipts has come, whoever runs it. It needs
// $JS.API.CONSUMER.LIST of the stream.
func LaneFacts(ctx context.Context, c *broker.Conn, t topology.Topology) ([]explain.Lane, error) {
	durables, err := c.Durables(ctx, t.Receipts())
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
func RetryFacts(ctx context.Context, c *broker.Conn, t topology.Topology) iter.Seq2[explain.Retry, error] {
	return func(yield func(explain.Retry, error) bool) {
		for m, err := range history.New(c, t.RetryStream()).Read(ctx, history.Stretch{}) {
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
func retryFact(m history.Stored) (r explain.Retry, ok bool) {
	h := nats.Header(m.Header)
	handler := wire.RetryLane(m.Subject)
	var o consumer.Origin
	wire.ReadRetry(&o, h, handler)
	r = explain.Retry{
		Handler: handler, Stream: o.RootStream, StreamSeq: o.RootSeq, Attempts: o.Attempts, Error: h.Get(wire.HeaderError),
	}
	subject := m.Subject
	if at, scheduled := strings.CutPrefix(h.Get(jetstream.ScheduleHeader), "@at "); scheduled {
		subject = h.Get(jetstream.ScheduleTargetHeader)
		r.Due, _ = time.Parse(time.RFC3339Nano, at) // of our own making
	}
	r.Alone = strings.HasSuffix(subject, wire.SuspectsToken)
	return r, r.Handler != "" && r.StreamSeq != 0
}

// WaitingLetters counts the dead letters that are neither redriven nor dropped.
func WaitingLetters(ctx context.Context, c *broker.Conn, t topology.Topology) (uint64, error) {
	info, err := c.StreamInfo(ctx, t.DeadStream())
	if err != nil {
		return 0, err
	}
	return info.State.Msgs, nil
}
