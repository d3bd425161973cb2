package events_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/outcome"
)

func collectEvents(t *testing.T, c *broker.Conn, topo topology.Topology, seqs ...uint64) (found []outcome.Event) {
	t.Helper()
	for e, err := range events.Facts(t.Context(), c, topo, time.Time{}, seqs...) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, e)
	}
	return found
}

// TestEventsAreKept: what is published reaches those who listen and the stream,
// and is found again by the receipt.
func TestEventsAreKept(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	for e, err := range events.Facts(t.Context(), r.Conn, r.Topology, time.Time{}, 7) {
		if !errors.Is(err, events.ErrNoStream) {
			t.Fatalf("without a stream: %+v, %v", e, err)
		}
	}
	diffs, err := events.Provision(t.Context(), r.Conn, r.Topology)
	if err != nil || len(diffs) != 1 || !diffs[0].Updated {
		t.Fatalf("provisioned %v, %v", diffs, err)
	}
	if diffs, err = events.Provision(t.Context(), r.Conn, r.Topology); err != nil || len(diffs) != 0 {
		t.Fatalf("the second time %v, %v", diffs, err)
	}
	heard := make(chan *nats.Msg, 8)
	sub, err := r.NATS.ChanSubscribe("push.events.>", heard)
	if err == nil {
		err = r.NATS.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection closes
	lines := `{"handler":"fcm","verdict":"ack","stream":"PUSH","stream_seq":7,"attempt":1}
{"handler":"fcm","verdict":"ack","stream":"PUSH","stream_seq":71,"attempt":1}
{"handler":"fcm","verdict":"bury","stream":"OTHER","stream_seq":7,"attempt":1}
`
	if err := events.NewPublisher(r.Conn).Publish("fcm", []byte(lines)); err != nil {
		t.Fatal(err)
	}
	r.Store(t, "push.events.device_gone", `{"user":"x"}`, nil)
	subjects := map[string]bool{}
	for range 2 {
		select {
		case m := <-heard:
			subjects[m.Subject] = true
		case <-time.After(brokertest.Deadline):
			t.Fatalf("heard only %v", subjects)
		}
	}
	if !subjects["push.events.outcome.fcm"] || !subjects["push.events.device_gone"] {
		t.Errorf("heard %v", subjects)
	}
	brokertest.Eventually(t, "stored", func() bool { return len(r.Stored(t, "PUSH_EVENTS")) == 2 })
	found := collectEvents(t, r.Conn, r.Topology, 7)
	if len(found) != 1 || found[0].Verdict != "ack" || found[0].StreamSeq != 7 {
		t.Errorf("found %+v", found)
	}
	if at, err := events.First(t.Context(), r.Conn, r.Topology); err != nil || time.Since(at) > time.Hour {
		t.Errorf("first event at %v, %v", at, err)
	}
}

// TestEventsWithoutConnection: they are refused at once, and take no room from acks.
func TestEventsWithoutConnection(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := b.Connect(t)
	b.Stop(t)
	brokertest.Eventually(t, "disconnected", func() bool { return !c.Connected() })
	if err := events.NewPublisher(c).Publish("fcm", []byte("{}\n")); err == nil {
		t.Error("events were taken")
	}
}

// TestFacts: how far the lane is, and what waits to be tried again.
func TestFacts(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 2)
	brokertest.PullOne(t, r.Lane.Fresh)
	origin := consumer.Origin{
		Stream: "PUSH", Seq: 1, Stored: time.Now(), RootStream: "PUSH", RootSeq: 1, Subject: "push.receipts", First: time.Now(), Attempts: 3,
	}
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline)
	defer cancel()
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(ctx, consumer.Retry{Handler: "fcm", Data: []byte("{}"), Delay: time.Hour, Error: "busy", Origin: origin}); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "settled", func() bool {
		lanes, err := status.LaneFacts(ctx, r.Conn, r.Topology)
		return err == nil && len(lanes) == 1 && lanes[0].Handler == "fcm" && lanes[0].Delivered == 1 && lanes[0].Settled == 1 && lanes[0].Unsettled == 0
	})
	waiting := 0
	for retry, err := range status.RetryFacts(ctx, r.Conn, r.Topology) {
		waiting++
		if err != nil || retry.Handler != "fcm" || retry.StreamSeq != 1 || retry.Attempts != 3 || retry.Error != "busy" || time.Until(retry.Due) < 50*time.Minute {
			t.Errorf("retry is %+v, %v", retry, err)
		}
	}
	if waiting != 1 {
		t.Errorf("%d retries wait, want 1", waiting)
	}
}
