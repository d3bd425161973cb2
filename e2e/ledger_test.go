package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// ledger is the truth, kept outside the processes under test: what was published,
// what of it was confirmed, and what came out. The classes are those of Jepsen's
// queue checker.
type ledger struct {
	mu        sync.Mutex
	published int
	confirmed map[int]bool
}

// verdict counts the classes.
type verdict struct {
	ok, lost, unexpected, recovered int
	duplicates, most                int // surplus copies, and copies of the one with most
}

func newLedger() *ledger { return &ledger{confirmed: make(map[int]bool)} }

// publish publishes n receipts at rate per second through conn, trying each again
// with the same id until it is confirmed or patience runs out.
func (l *ledger) publish(t *testing.T, conn *broker.Conn, n, rate int) {
	t.Helper()
	pub, err := conn.Publisher(publisher.Config{})
	if err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	const burst = 10 * time.Millisecond
	tick := time.NewTicker(burst)
	defer tick.Stop()
	for range n / (rate / 100) {
		<-tick.C
		for range rate / 100 {
			l.send(ctx, t, pub)
		}
	}
	if err := errors.Join(pub.Flush(ctx), pub.Close(ctx)); err != nil {
		t.Errorf("publisher: %v", err)
	}
}

func (l *ledger) send(ctx context.Context, t *testing.T, pub *publisher.Publisher) {
	t.Helper()
	l.mu.Lock()
	l.published++
	seq := l.published
	l.mu.Unlock()
	r := &push.Receipt{
		To:      map[push.Uid]push.Recipient{push.Uid(seq): {Unread: 1}},
		Payload: push.Payload{What: push.ActMsg, Topic: "grpE2E", SeqId: seq, From: "usr782riWdFIwE", Content: "hello"},
	}
	err := pub.PublishAsync(ctx, r, func(_ publisher.Ack, err error) {
		if err != nil {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.confirmed[seq] = true
	})
	if err != nil {
		t.Errorf("publish %d: %v", seq, err)
	}
}

// check compares the ledger with what the workers printed.
func (l *ledger) check(t *testing.T, workers []*process) verdict {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	copies := make(map[int]int)
	var v verdict
	for _, w := range workers {
		for _, line := range w.lines() {
			if line == "" {
				continue
			}
			var r push.Receipt
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Errorf("a worker printed something that is no receipt: %.80q", line)
				continue
			}
			copies[r.Payload.SeqId]++
		}
	}
	for seq, n := range copies {
		v.most = max(v.most, n)
		v.duplicates += n - 1
		switch {
		case seq < 1 || seq > l.published:
			v.unexpected++
		case !l.confirmed[seq]:
			v.recovered++
		}
	}
	for seq := range l.confirmed {
		if copies[seq] > 0 {
			v.ok++
		} else {
			v.lost++
		}
	}
	t.Logf("%d published, %d confirmed: %+v", l.published, len(l.confirmed), v)
	if v.lost > 0 || v.unexpected > 0 {
		t.Errorf("%d lost, %d unexpected; want none", v.lost, v.unexpected)
	}
	return v
}
