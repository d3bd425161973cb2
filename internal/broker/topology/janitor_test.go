package topology_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// fullRig has a stream of 200 kB with n receipts of about 1 kB.
func fullRig(t *testing.T, n int) *brokertest.Rig {
	t.Helper()
	r := brokertest.NewRig(t, func(topo *topology.Topology) {
		topo.MaxBytes = 200_000
		topo.Handlers = []string{"fcm", "stdout"}
	})
	for range n {
		r.Store(t, "push.receipts", string(make([]byte, 960)), nil)
	}
	return r
}

func settle(t *testing.T, r *brokertest.Rig, handler string, n int) {
	t.Helper()
	lane, err := queue.Bind(t.Context(), r.Conn, r.Topology, handler, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := lane.Fresh.Pull(t.Context(), n, 0, nil, func(m consumer.Message) { brokertest.Ack(t, m) }); got != n || err != nil {
		t.Fatalf("Pull = %d, %v", got, err)
	}
	brokertest.Eventually(t, "settled", func() bool { return r.Info(t, handler).AckFloor.Stream == uint64(n) })
}

func state(t *testing.T, r *brokertest.Rig) jetstream.StreamState {
	t.Helper()
	s, err := r.JetStream.Stream(t.Context(), "PUSH")
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State
}

func TestJanitorTrimsBehindTheSlowestLane(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		receipts, fcm, stdout int
		first                 uint64 // sequence kept, 0 for about half of 200 kB
		logs                  string
	}{
		"below three quarters nothing is trimmed": {140, 140, 140, 1, ""},
		"handled history goes down to half":       {190, 190, 190, 0, "trimmed settled history"},
		"the slowest lane's receipts stay":        {190, 190, 20, 21, "trimmed settled history"},
		"nothing settled, nothing trimmed":        {190, 190, 0, 1, "has not settled"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := fullRig(t, test.receipts)
			settle(t, r, "fcm", test.fcm)
			settle(t, r, "stdout", test.stdout)
			var log bytes.Buffer
			j := topology.NewJanitor(r.Conn, r.Topology, 0, zerolog.New(&log))
			for range 2 { // it may run again, and says nothing new
				if err := j.Trim(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			s := state(t, r)
			if test.first > 0 && s.FirstSeq != test.first {
				t.Errorf("the stream begins at %d, want %d", s.FirstSeq, test.first)
			}
			if test.first == 0 && (s.Bytes > 100_000 || s.Bytes < 95_000) {
				t.Errorf("the stream holds %d bytes, want nearly 100000", s.Bytes)
			}
			if n := strings.Count(log.String(), test.logs); test.logs == "" && log.Len() > 0 || test.logs != "" && n != 1 {
				t.Errorf("log:\n%s", log.String())
			}
		})
	}
}

func TestJanitorMindsDurablesOfOthers(t *testing.T) {
	t.Parallel()
	r := fullRig(t, 190)
	settle(t, r, "fcm", 190)
	settle(t, r, "stdout", 190)
	brokertest.Consume(t, r.JetStream, jetstream.ConsumerConfig{Durable: "audit", AckPolicy: jetstream.AckExplicitPolicy})
	if err := topology.NewJanitor(r.Conn, r.Topology, 0, zerolog.Nop()).Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := state(t, r); s.FirstSeq != 1 {
		t.Errorf("the stream begins at %d, want 1", s.FirstSeq)
	}
}

func TestJanitorIsNotHeldByANewcomer(t *testing.T) {
	t.Parallel()
	r := fullRig(t, 190)
	settle(t, r, "fcm", 190)
	settle(t, r, "stdout", 190)
	brokertest.Consume(t, r.JetStream, jetstream.ConsumerConfig{Durable: "late", AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverNewPolicy})
	if err := topology.NewJanitor(r.Conn, r.Topology, 0, zerolog.Nop()).Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := state(t, r); s.Bytes > 100_000 {
		t.Errorf("the stream holds %d bytes, want half", s.Bytes)
	}
}

func TestJanitorDoesNothingWithoutADurable(t *testing.T) {
	t.Parallel()
	r := fullRig(t, 190)
	for _, h := range r.Topology.Handlers {
		if err := r.JetStream.DeleteConsumer(t.Context(), "PUSH", h); err != nil {
			t.Fatal(err)
		}
	}
	if err := topology.NewJanitor(r.Conn, r.Topology, 0, zerolog.Nop()).Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := state(t, r); s.FirstSeq != 1 {
		t.Errorf("the stream begins at %d, want 1", s.FirstSeq)
	}
}

// A stream that is full of handled receipts takes new ones again.
func TestJanitorsKeepPublishersGoing(t *testing.T) {
	t.Parallel()
	r := fullRig(t, 190)
	for full := false; !full; {
		_, err := r.JetStream.Publish(t.Context(), "push.receipts", make([]byte, 960))
		full = err != nil
	}
	n := int(state(t, r).LastSeq)
	settle(t, r, "fcm", n)
	settle(t, r, "stdout", n)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for range cap(done) { // in two processes
		go func() { done <- topology.NewJanitor(r.Conn, r.Topology, 10*time.Millisecond, zerolog.Nop()).Run(ctx) }()
	}
	brokertest.Eventually(t, "room", func() bool {
		_, err := r.JetStream.Publish(t.Context(), "push.receipts", make([]byte, 960))
		return err == nil
	})
	cancel()
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestJanitorNamesTheLaneThatHoldsTheStream(t *testing.T) {
	t.Parallel()
	r := fullRig(t, 190)
	settle(t, r, "fcm", 190)
	r.Topology.Handlers = []string{"fcm"} // stdout is a handler that was switched off
	var log bytes.Buffer
	j := topology.NewJanitor(r.Conn, r.Topology, 0, zerolog.New(&log))
	for range 2 {
		if err := j.Trim(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{`"lane":"stdout"`, "no worker runs lane stdout", "settled: 190", "pushworker lane retire stdout"} {
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%q is said %d times:\n%s", want, n, log.String())
		}
	}
}
