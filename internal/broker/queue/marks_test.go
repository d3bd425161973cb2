package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestMarksAreShared: what another process tells settles a retry here, and what is read
// here is told to the other.
func TestMarksAreShared(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn, topo := b.Connect(t), b.Topology("fcm")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	other, err := nats.Connect(b.URL(), nats.Timeout(brokertest.Deadline))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	told := make(chan *nats.Msg, 1024) // all that this test can send
	if _, err := other.ChanSubscribe("push.marks.PUSH", told); err != nil {
		t.Fatal(err)
	}
	if err := other.Flush(); err != nil {
		t.Fatal(err)
	}
	tried := make(chan push.Receipt, 16)
	settled := runMarked(t, conn, topo, func(r *push.Receipt) error {
		tried <- *r
		if r.Payload.What == push.ActMsg {
			return push.RetryAfter(errors.New("later"), 2*time.Second)
		}
		return nil
	})
	publish := func(subject, text string) {
		t.Helper()
		if err := other.Publish(subject, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	publish("push.receipts", `{"to":{"1000":{"unread":1}},"payload":{"what":"msg","topic":"grpA","seq":7}}`)
	<-tried
	if o := <-settled; o.Verdict != retry.Redeliver {
		t.Fatalf("the first outcome is %v, want a retry", o.Verdict)
	}
	mark, err := json.Marshal(&consumer.Mark{User: 1000, Topic: "grpA", Value: 9, Seq: 1000, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	publish("push.marks.PUSH", fmt.Sprintf(`{"from":"other","marks":[%s]}`, mark))
	if o := <-settled; o.Verdict != retry.Ack || o.Counts.Skipped != 1 || len(tried) != 0 {
		t.Errorf("the retry ended as %v with %+v, want it settled as read elsewhere", o.Verdict, o.Counts)
	}
	publish("push.receipts", `{"to":{"1000":{"unread":0}},"payload":{"what":"read","topic":"grpB","seq":3}}`)
	<-tried
	for m := range told {
		var heard struct{ Marks []consumer.Mark }
		if err := json.Unmarshal(m.Data, &heard); err != nil {
			t.Fatal(err)
		}
		for _, mark := range heard.Marks {
			if mark.Topic == "grpB" && mark.User == 1000 && mark.Value == 3 && mark.Seq == 2 {
				return
			}
		}
	}
}

// runMarked runs a lane that shares its marks until the test ends.
func runMarked(t *testing.T, conn *broker.Conn, topo topology.Topology, handle func(*push.Receipt) error) <-chan consumer.Outcome {
	t.Helper()
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Notifies: true, Handle: func(_ context.Context, r *push.Receipt) error { return handle(r) }}, nil
	})
	if err := h.Init(`{}`); err != nil {
		t.Fatal(err)
	}
	sources, err := queue.Bind(t.Context(), conn, topo, "fcm", nil)
	if err != nil {
		t.Fatal(err)
	}
	settled, marks := make(chan consumer.Outcome, 16), consumer.NewMarks() // more than the test waits for
	lane := consumer.New(consumer.Config{
		Name: "fcm", Handler: h, Fresh: []consumer.Source{sources.Fresh}, Retries: sources.Retries, Suspects: sources.Suspects,
		Scheduler: queue.NewScheduler(conn, topo), DeadLetters: queue.NewDeadLetters(conn, topo),
		Policy:  retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: time.Hour, MaxAttempts: 10},
		AckWait: topo.AckWait, Grace: time.Second, Metrics: consumer.NewMetrics(prometheus.NewRegistry()),
		Marks: marks, Observer: consumer.Observer{Tell: func(o consumer.Outcome) { settled <- o }}, Log: zerolog.Nop(),
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- lane.Run(ctx) }()
	go func() { ended <- queue.ShareMarks(ctx, conn, topo, marks) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return settled
}
