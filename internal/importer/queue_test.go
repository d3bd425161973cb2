package importer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// nobody is an address at which there is no broker.
const nobody = "nats://127.0.0.1:1"

// forUsers is a message to some users.
func forUsers(seq int, uids ...push.Uid) *push.Receipt {
	r := message(seq)
	r.To = map[push.Uid]push.Recipient{}
	for _, uid := range uids {
		r.To[uid] = push.Recipient{Unread: seq}
	}
	return r
}

// newQueue makes a queue that is given up at the end of the test.
func newQueue(t *testing.T, nc *nats.Conn, cfg publisher.QueueConfig) *publisher.Queue {
	t.Helper()
	q, err := publisher.NewQueue(nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(ended(t)) }) // tests that care close it themselves
	return q
}

func put(t *testing.T, q *publisher.Queue, receipts ...*push.Receipt) {
	t.Helper()
	for _, r := range receipts {
		if err := q.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// checkOrder finds users whose messages are not in order, or not all there once.
func checkOrder(t *testing.T, s jetstream.Stream, want int) {
	t.Helper()
	last := map[push.Uid]int{}
	all := stored(t, s)
	if len(all) != want {
		t.Errorf("%d messages stored, want %d", len(all), want)
	}
	for _, m := range all {
		r, bad, err := push.Decode(m.Data, push.DefaultLimits())
		if err != nil || len(bad) > 0 {
			t.Fatal(err, bad)
		}
		for uid := range r.To {
			if r.Payload.SeqId <= last[uid] {
				t.Errorf("user %d has %d after %d", uid, r.Payload.SeqId, last[uid])
			}
			last[uid] = r.Payload.SeqId
		}
	}
}

// Receipts outlast an outage of the broker that is longer than any try, a stream that is not
// there yet, and one that is full; each user's are stored in their order.
func TestQueueKeepsOrderThroughOutages(t *testing.T) {
	t.Parallel()
	const receipts = 600
	b := brokertest.Start(t)
	b.Stop(t)
	nc := dial(t, b.URL())
	q := newQueue(t, nc, publisher.QueueConfig{
		Config: publisher.Config{AckTimeout: time.Second, RetryFor: 50 * time.Millisecond},
		Lost:   func(_ *push.Receipt, err error) { t.Error(err) },
	})
	for seq := 1; seq <= receipts; seq++ {
		put(t, q, forUsers(seq, push.Uid(1+seq%7), push.Uid(100+seq%3)))
	}
	b.Restart(t)
	waitFor(t, "the broker", nc.IsConnected)
	s := stream(t, nc, func(c *jetstream.StreamConfig) { c.MaxMsgs = receipts / 2 })
	waitFor(t, "the stream to be full", func() bool { return count(t, s) == receipts/2 })
	s = stream(t, nc, nil)
	if err := q.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	checkOrder(t, s, receipts)
	if c := q.Counts(); c.Stored != receipts || c.Lost != 0 || c.Waiting != 0 || c.WaitingBytes != 0 {
		t.Errorf("counts are %+v", c)
	}
}

func TestQueueKeepsOrderWhileTheBrokerIsKilled(t *testing.T) {
	t.Parallel()
	const receipts, kills = 3000, 3
	b := startChildBroker(t)
	nc := dial(t, b.url())
	waitFor(t, "the broker", nc.IsConnected)
	s := stream(t, nc, nil)
	q := newQueue(t, nc, publisher.QueueConfig{
		Config: publisher.Config{AckTimeout: time.Second, MaxInFlight: 64},
		Lost:   func(_ *push.Receipt, err error) { t.Error(err) },
	})
	for seq := 1; seq <= receipts; seq++ {
		put(t, q, forUsers(seq, push.Uid(1+seq%50), push.Uid(100+seq%9)))
	}
	for kill := range kills {
		waitFor(t, "progress", func() bool { return q.Counts().Stored >= uint64(kill*receipts/(kills+1)) })
		b.kill()
		b.start()
	}
	if err := q.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	checkOrder(t, s, receipts)
}

// Every receipt that the handler took from its channel and could not publish is told of, and
// counted: those that found no room, and those that were waiting at the stop.
func TestHandlerTellsOfEveryLoss(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		receipts int
		config   string
	}{
		{"waiting at the stop", 100, `{"url":%q,"buffer":100}`},
		{"without room", 300, `{"url":%q,"buffer":300,"max_receipts":100}`},
		{"without memory", 300, `{"url":%q,"buffer":300,"max_bytes":50000}`},
		{"kept too long", 100, `{"url":%q,"buffer":100,"keep":"1ms"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var told atomic.Int64
			h := publisher.NewHandler(func(r *push.Receipt, err error) {
				if r.Payload.Topic != "grpChess" || err == nil {
					t.Errorf("told of %v: %v", r, err)
				}
				told.Add(1)
			})
			if err := h.Init(fmt.Sprintf(tt.config, nobody)); err != nil {
				t.Fatal(err)
			}
			var outcomes atomic.Int64
			for i := range tt.receipts {
				r := message(i + 1)
				r.OnDone(func(err error) {
					if err == nil {
						t.Error("a lost receipt is reported as published")
					}
					outcomes.Add(1)
				})
				h.Push() <- r
			}
			h.Stop()
			if n := int(told.Load()); n != tt.receipts || int(outcomes.Load()) != n || h.Counts().Lost != uint64(n) {
				t.Errorf("%d receipts were lost, %d told of, %d with an outcome, %d counted",
					tt.receipts, n, outcomes.Load(), h.Counts().Lost)
			}
		})
	}
}

func TestQueueGivesUp(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var lost []error
	q := newQueue(t, dial(t, nobody), publisher.QueueConfig{
		KeepFor: 300 * time.Millisecond, MaxReceipts: 2,
		Lost: func(r *push.Receipt, err error) {
			mu.Lock()
			defer mu.Unlock()
			lost = append(lost, fmt.Errorf("%d: %w", r.Payload.SeqId, err))
		},
	})
	put(t, q, message(1), message(2))
	if err := q.Put(t.Context(), message(3)); !errors.Is(err, publisher.ErrQueueFull) {
		t.Errorf("put into a full queue: %v", err)
	}
	waitFor(t, "two to be lost", func() bool { return q.Counts().Lost == 3 && q.Counts().Waiting == 0 })
	mu.Lock()
	defer mu.Unlock()
	slices.SortFunc(lost, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if len(lost) != 2 || !strings.HasPrefix(lost[0].Error(), "1:") || !strings.HasPrefix(lost[1].Error(), "2:") ||
		!errors.Is(lost[0], publisher.ErrKept) || !errors.Is(lost[1], publisher.ErrUnavailable) {
		t.Errorf("told of %v", lost)
	}
	if err := q.Close(patient(t)); err != nil {
		t.Errorf("close an empty queue: %v", err)
	}
	if err := q.Put(t.Context(), message(4)); !errors.Is(err, publisher.ErrClosed) {
		t.Errorf("put after Close: %v", err)
	}
}

// What waits when the chat server stops is published after its next start.
func TestQueueFileOutlivesAStop(t *testing.T) {
	t.Parallel()
	const receipts = 300
	file := filepath.Join(t.TempDir(), "queue")
	cfg := publisher.QueueConfig{File: file, Lost: func(_ *push.Receipt, err error) { t.Error(err) }}
	first := newQueue(t, dial(t, nobody), cfg)
	if _, err := publisher.NewQueue(dial(t, nobody), cfg); err == nil || !strings.Contains(err.Error(), "file of its own") {
		t.Errorf("a second queue on the file: %v", err)
	}
	for seq := 1; seq <= receipts; seq++ {
		put(t, first, forUsers(seq, push.Uid(1+seq%7)))
	}
	if err := first.Close(ended(t)); err == nil {
		t.Error("Close does not say that receipts remain")
	}

	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	second := newQueue(t, nc, cfg)
	put(t, second, forUsers(receipts+1, 1, 2, 3, 4, 5, 6, 7))
	if c := second.Counts(); c.Recovered != receipts || c.Damaged != 0 {
		t.Errorf("counts are %+v", c)
	}
	if err := second.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	checkOrder(t, s, receipts+1)
	if third := newQueue(t, nc, cfg); third.Counts().Recovered != 0 {
		t.Errorf("the file still has what is published: %+v", third.Counts())
	}
}

// The file does not grow with what passes through it.
func TestQueueFileIsBounded(t *testing.T) {
	t.Parallel()
	const receipts, size = 100, 100_000 // 10 MB
	nc := dial(t, brokertest.Start(t).URL())
	stream(t, nc, nil)
	file := filepath.Join(t.TempDir(), "queue")
	q := newQueue(t, nc, publisher.QueueConfig{File: file, MaxBytes: 1 << 20})
	r := message(1)
	r.Payload.Content = strings.Repeat("x", size)
	for seq := range receipts {
		r.Payload.SeqId = seq + 1
		waitFor(t, "room", func() bool {
			err := q.Put(t.Context(), r)
			if err != nil && !errors.Is(err, publisher.ErrQueueFull) {
				t.Fatal(err)
			}
			return err == nil
		})
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if most := int64(2<<20 + 4<<20 + size + 1000); info.Size() > most {
			t.Fatalf("the file has %d bytes after %d receipts, want %d at most", info.Size(), seq+1, most)
		}
	}
	if err := q.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
}
