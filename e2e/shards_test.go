package e2e_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/ledger"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// TestShardedWorkers: the receipts are in two streams with a worker each. The broker is
// killed under load, and then a worker, whose stream another one takes. Nothing that was
// confirmed is lost; a second copy is of what the dead worker held.
func TestShardedWorkers(t *testing.T) {
	dir, addr := t.TempDir(), address.For(t)
	b := startBroker(t, dir, addr)
	env := func(streams string) []string {
		return []string{"PUSHWORKER_NATS_URL=nats://" + addr, "PUSHWORKER_ACK_WAIT=3s", "PUSHWORKER_STREAMS=" + streams, handlers}
	}
	workers := []*program{startWorker(t, dir, env("2:0")...), startWorker(t, dir, env("2:1")...)}
	for _, w := range workers {
		w.ready(patience)
	}
	conn, l := connect(t, addr), ledger.New()
	load := func(disturb func()) {
		published := make(chan struct{})
		go func() {
			defer close(published)
			publishTo(t, conn, publisher.Config{Shards: 2}, l, 4_000, 2_000)
		}()
		await(t, patience, "a quarter is confirmed", func() bool { return l.Confirmed()%4_000 >= 1_000 })
		disturb()
		<-published
		drainedStreams(t, conn, 2)
	}

	load(func() {
		b.Kill()
		startBroker(t, dir, addr)
	})
	if v := check(t, l, workers); v.Duplicated != 0 {
		t.Errorf("%d duplicates after the broker's end, want none", v.Duplicated)
	}
	for i, w := range workers {
		if n := len(w.lines()); n < 1_000 {
			t.Errorf("worker %d has printed %d receipts, and so not those of a stream", i, n)
		}
	}

	load(func() {
		workers[1].Kill()
		all := startWorker(t, dir, env("2")...)
		workers = append(workers, all)
		all.ready(patience)
	})
	if v := check(t, l, workers); v.Duplicated > slots || v.Most > 2 {
		t.Errorf("%d duplicates of %d slots, at most %d copies of one, want 2", v.Duplicated, slots, v.Most)
	}
}
