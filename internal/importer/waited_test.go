package importer_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// secondsWaited is what a message says of its wait, 0 if nothing.
func secondsWaited(t *testing.T, h nats.Header) int {
	t.Helper()
	values := h["Push-Waited"]
	if len(values) == 0 {
		return 0
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 1 || len(values) > 1 {
		t.Errorf("the header is %q, %v", values, err)
	}
	return n
}

// seconds is how many whole ones have passed since.
func seconds(since time.Time) int { return int(time.Since(since) / time.Second) }

// hears returns a subscription that hears each try, and does not answer.
func hears(t *testing.T, nc *nats.Conn) *nats.Subscription {
	t.Helper()
	tries, err := nc.SubscribeSync("push.receipts")
	if err != nil {
		t.Fatal(err)
	}
	return tries
}

// next is the next try that is heard.
func next(t *testing.T, tries *nats.Subscription) *nats.Msg {
	t.Helper()
	m, err := tries.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What a queue has kept while nothing was stored says for how long, also after a restart
// of the process and beside what the caller has said; what is published at once says nothing.
func TestQueueSaysForHowLongItHasKept(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	tries := hears(t, nc)
	cfg := publisher.QueueConfig{
		Config: publisher.Config{RetryFor: 50 * time.Millisecond}, File: filepath.Join(t.TempDir(), "queue"),
		Lost: func(_ *push.Receipt, err error) { t.Error(err) },
	}
	first := newQueue(t, nc, cfg)
	began := time.Now()
	put(t, first, message(1))
	if err := first.Put(t.Context(), message(2), publisher.Header(publisher.WaitedHeader, "3600")); err != nil {
		t.Fatal(err)
	}
	for secondsWaited(t, next(t, tries).Header) < 2 {
	}
	_ = first.Close(ended(t)) // says that receipts remain
	if err := tries.Unsubscribe(); err != nil {
		t.Fatal(err)
	}

	s := stream(t, nc, nil)
	cfg.RetryFor = 0 // the default
	second := newQueue(t, nc, cfg)
	waitFor(t, "what was kept", func() bool { return count(t, s) == 2 })
	most := seconds(began)
	at := time.Now()
	put(t, second, message(3))
	if err := second.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	all := stored(t, s)
	if len(all) != 3 {
		t.Fatalf("%d messages are stored, want 3", len(all))
	}
	for i, before := range []int{0, 3600} {
		if got := secondsWaited(t, all[i].Header) - before; got < 2 || got > most {
			t.Errorf("message %d has waited for %d s, want 2 to %d", i+1, got, most)
		}
	}
	if h := all[2].Header; secondsWaited(t, h) > seconds(at) {
		t.Errorf("a message that waited for less than %s has the header %v", time.Since(at), h)
	}
}

// The tries of a plain Publish say it, too, each of its own moment, and under one id.
func TestTriesSayHowLongTheyHaveWaited(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	tries := hears(t, nc)
	p := newPublisher(t, nc, publisher.Config{MaxTries: 3, AckTimeout: 1100 * time.Millisecond})
	began := time.Now()
	go func() { _, _ = p.Publish(patient(t), message(1)) }()
	for i := range 3 {
		m := next(t, tries)
		if got := secondsWaited(t, m.Header); got < i || got > seconds(began) {
			t.Errorf("try %d has the header %v, %s after the call", i+1, m.Header, time.Since(began))
		}
		if m.Header.Get(jetstream.MsgIDHeader) != publisher.DedupID(message(1)) {
			t.Errorf("try %d has the header %v", i+1, m.Header)
		}
	}
}

// A message for which the broker has no room with the header goes without it.
func TestMessageWithoutRoomForItsWait(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	tries := hears(t, nc)
	p := newPublisher(t, nc, publisher.Config{MaxTries: 2, AckTimeout: 1100 * time.Millisecond, Limits: push.Limits{MaxBytes: 8 << 20}})
	publish := func(data []byte) {
		go func() { _, _ = p.PublishRaw(patient(t), data, publisher.ID("id")) }()
	}
	const small = `{"to":{"1":{}},"payload":{"what":"msg"}}`
	publish([]byte(small))
	m := next(t, tries)
	next(t, tries)
	room := int(nc.MaxPayload()) - (m.Size() - len(m.Subject) - len(m.Reply)) // beside the headers and the small one
	publish([]byte(small + strings.Repeat(" ", room)))
	for i := range 2 {
		m := next(t, tries)
		if len(m.Data) != len(small)+room || len(m.Header[publisher.WaitedHeader]) != 0 {
			t.Errorf("try %d has %d bytes and the header %v", i+1, len(m.Data), m.Header)
		}
	}
}
