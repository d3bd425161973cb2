package importer_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// secondsWaited is what a message says of its wait, 0 if nothing.
func secondsWaited(t *testing.T, m *jetstream.RawStreamMsg) int {
	t.Helper()
	text := m.Header.Get("Push-Waited")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Error(err)
	}
	return n
}

// What a queue has kept while the broker was away says for how long, also after a restart
// of the process and beside what the caller has said; what is published at once says nothing.
func TestQueueSaysForHowLongItHasKept(t *testing.T) {
	t.Parallel()
	const absence = 2100 * time.Millisecond
	b := brokertest.Start(t)
	cfg := publisher.QueueConfig{
		Config: publisher.Config{RetryFor: 50 * time.Millisecond}, File: filepath.Join(t.TempDir(), "queue"),
		Lost: func(_ *push.Receipt, err error) { t.Error(err) },
	}
	first := newQueue(t, dial(t, nobody), cfg)
	began := time.Now()
	put(t, first, message(1))
	if err := first.Put(t.Context(), message(2), publisher.Header(publisher.WaitedHeader, "3600")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(absence)
	_ = first.Close(ended(t)) // says that receipts remain

	nc := dial(t, b.URL())
	s := stream(t, nc, nil)
	second := newQueue(t, nc, cfg)
	waitFor(t, "what was kept", func() bool { return count(t, s) == 2 })
	most := int(time.Since(began) / time.Second)
	put(t, second, message(3))
	if err := second.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	all := stored(t, s)
	if len(all) != 3 {
		t.Fatalf("%d messages are stored, want 3", len(all))
	}
	for i, before := range []int{0, 3600} {
		if got := secondsWaited(t, all[i]) - before; got < 2 || got > most {
			t.Errorf("message %d has waited for %d s, want 2 to %d", i+1, got, most)
		}
	}
	if h := all[2].Header; h.Get("Push-Waited") != "" {
		t.Errorf("a message that did not wait has the header %v", h)
	}
}

// The tries of a plain Publish say it, too, each of its own moment, and under one id.
func TestTriesSayHowLongTheyHaveWaited(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	tries, err := nc.SubscribeSync("push.receipts") // hears them and is silent
	if err != nil {
		t.Fatal(err)
	}
	p := newPublisher(t, nc, publisher.Config{MaxTries: 3, AckTimeout: 1100 * time.Millisecond})
	go func() { _, _ = p.Publish(patient(t), message(1)) }()
	for i := range 3 {
		m, err := tries.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := strconv.Atoi(m.Header.Get("Push-Waited"))
		if i == 0 && len(m.Header["Push-Waited"]) != 0 || got < i || len(m.Header["Push-Waited"]) > 1 {
			t.Errorf("try %d has the header %v", i+1, m.Header)
		}
		if m.Header.Get(jetstream.MsgIDHeader) != publisher.DedupID(message(1)) {
			t.Errorf("try %d has the header %v", i+1, m.Header)
		}
	}
}
