package status_test

import (
	"sync/atomic"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// One process asks for both, and when it is silent the other does.
func TestSharedIsAskedOnce(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	one, other := shared(t, r), shared(t, r)
	if _, err := one.Stats(t.Context(), r.Topology); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "the other has heard it", func() bool { _, ok := other.Fresh(); return ok })
	if !one.Mine() || other.Mine() {
		t.Errorf("it is the turn of the one: %t, of the other: %t; want that of the one", one.Mine(), other.Mine())
	}
	var asked atomic.Int32
	// A listener to direct gets would keep the broker from saying that a stream is missing.
	r.Broker.Listen(t, "$JS.API.STREAM.>", func(string) { asked.Add(1) })
	stats, err := other.Stats(t.Context(), r.Topology)
	if err != nil || len(stats.Streams) != 3 || len(stats.Lanes) != 1 || stats.At.IsZero() {
		t.Errorf("the other has %+v, %v; want what the one was told", stats, err)
	}
	if _, err := one.Stats(t.Context(), r.Topology); err != nil { // nobody reads
		t.Error(err)
	}
	if err := r.Conn.Flush(brokertest.Deadline); err != nil {
		t.Error(err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the broker was asked %d times, want not at all: the answer is fresh, and nobody reads", n)
	}
	other.Want()
	if _, err := other.Stats(t.Context(), r.Topology); err != nil || asked.Load() != 0 {
		t.Errorf("the other asks although it is not its turn: %v", err)
	}
	brokertest.Eventually(t, "the one asks because somebody reads at the other", func() bool {
		_, err := one.Stats(t.Context(), r.Topology)
		return err == nil && asked.Load() > 0
	})
	brokertest.Eventually(t, "the other asks when the one is silent", other.Mine)
	if _, ok := other.Fresh(); !ok {
		t.Error("the other asks only when what it was told is too old")
	}
}

// shared listens until the test ends, on a connection of its own.
func shared(t *testing.T, r *brokertest.Rig) *status.Shared {
	t.Helper()
	conn := r.Broker.Connect(t)
	s := status.NewShared(status.NewReader(conn), topology.Topology{
		Stream: r.Topology.Stream, Subject: r.Topology.Subject, Handlers: r.Topology.Handlers,
	})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	brokertest.Eventually(t, "it listens", func() bool { return conn.NATS().NumSubscriptions() > 0 })
	if err := conn.Flush(brokertest.Deadline); err != nil {
		t.Fatal(err)
	}
	return s
}
