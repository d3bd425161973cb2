package e2e_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/ledger"
)

// slots is how many messages a worker of these tests holds at most: its handler's
// buffer, and one suspect.
const slots = 64 + 1

const handlers = `PUSHWORKER_HANDLERS=[{"name":"stdout","config":{"buffer":64}}]`

// TestWorkerKilled: workers are killed under load; nothing that was confirmed is
// lost, duplicates stay within what the dead held, nobody is told three times.
func TestWorkerKilled(t *testing.T) {
	dir, addr := t.TempDir(), address.For(t)
	startBroker(t, dir, addr)
	env := []string{"PUSHWORKER_NATS_URL=nats://" + addr, "PUSHWORKER_ACK_WAIT=3s", handlers}
	workers := make([]*program, 4)
	for i := range workers {
		workers[i] = startWorker(t, dir, env...)
	}
	all := append([]*program(nil), workers...)
	for _, w := range workers {
		w.ready(patience)
	}
	conn, l := connect(t, addr), ledger.New()
	published := make(chan struct{})
	go func() {
		defer close(published)
		publish(t, conn, l, 30_000, 2_500)
	}()
	kills := 0
	every := time.NewTicker(1500 * time.Millisecond)
	defer every.Stop()
	for running := true; running; {
		select {
		case <-published:
			running = false
		case <-every.C:
			i := rand.IntN(len(workers))
			workers[i].Kill()
			kills++
			workers[i] = startWorker(t, dir, env...)
			all = append(all, workers[i])
		}
	}
	drained(t, conn)
	v := check(t, l, all)
	t.Logf("%d kills, %.1f duplicates a kill", kills, float64(v.Duplicated)/float64(kills))
	if kills < 5 {
		t.Errorf("only %d kills: the load ended too soon to prove anything", kills)
	}
	if v.Duplicated > kills*slots || v.Most > 2 {
		t.Errorf("%d duplicates of at most %d kills × %d slots, at most %d copies of one, want 2",
			v.Duplicated, kills, slots, v.Most)
	}
}

// TestRollingRestart: workers are replaced one by one under load, the new one
// first, as in a deployment.
func TestRollingRestart(t *testing.T) {
	dir, addr := t.TempDir(), address.For(t)
	startBroker(t, dir, addr)
	env := []string{"PUSHWORKER_NATS_URL=nats://" + addr, handlers}
	workers := []*program{startWorker(t, dir, env...), startWorker(t, dir, env...)}
	for _, w := range workers {
		w.ready(patience)
	}
	all := append([]*program(nil), workers...)
	conn, l := connect(t, addr), ledger.New()
	published := make(chan struct{})
	go func() {
		defer close(published)
		publish(t, conn, l, 20_000, 2_000)
	}()
	for i := range 8 {
		fresh := startWorker(t, dir, env...)
		fresh.ready(patience)
		old := workers[i%2]
		workers[i%2] = fresh
		all = append(all, fresh)
		old.terminate()
		if code := old.exit(); code != 0 {
			t.Errorf("a worker told to stop ended with %d:\n%s", code, old.log())
		}
	}
	<-published
	drained(t, conn)
	if v := check(t, l, all); v.Duplicated != 0 {
		t.Errorf("%d duplicates after clean stops, want none", v.Duplicated)
	}
}

// TestBrokerKilled: the broker is killed under load while one worker lives; what
// the broker has forgotten does not reach the handler a second time.
func TestBrokerKilled(t *testing.T) {
	dir, addr := t.TempDir(), address.For(t)
	b := startBroker(t, dir, addr)
	w := startWorker(t, dir, "PUSHWORKER_NATS_URL=nats://"+addr, "PUSHWORKER_ACK_WAIT=3s", handlers)
	w.ready(patience)
	conn, l := connect(t, addr), ledger.New()
	published := make(chan struct{})
	go func() {
		defer close(published)
		publish(t, conn, l, 20_000, 2_000)
	}()
	for range 5 {
		<-time.After(time.Second)
		b.Kill()
		b = startBroker(t, dir, addr)
	}
	<-published
	drained(t, conn)
	if v := check(t, l, []*program{w}); v.Duplicated != 0 {
		t.Errorf("%d duplicates out of the handler, want none", v.Duplicated)
	}
}

// TestEmbeddedKilled: worker and broker die together.
func TestEmbeddedKilled(t *testing.T) {
	dir, addr := t.TempDir(), address.For(t)
	env := []string{
		"PUSHWORKER_EMBEDDED_ADDR=" + addr, "PUSHWORKER_DATA_DIR=" + filepath.Join(dir, "data"),
		"PUSHWORKER_ACK_WAIT=3s", handlers,
	}
	w := startWorker(t, dir, env...)
	w.ready(patience)
	all := []*program{w}
	conn, l := connect(t, addr), ledger.New()
	published := make(chan struct{})
	go func() {
		defer close(published)
		publish(t, conn, l, 20_000, 2_000)
	}()
	const kills = 5
	for range kills {
		<-time.After(time.Second)
		w.Kill()
		w = startWorker(t, dir, env...)
		all = append(all, w)
		w.ready(patience)
	}
	<-published
	drained(t, conn)
	// What a dead worker held, and up to 0.2 s of acks that its broker forgot.
	const bound = kills * (slots + 2_000/5)
	if v := check(t, l, all); v.Duplicated > bound {
		t.Errorf("%d duplicates, want at most %d", v.Duplicated, bound)
	}
}
