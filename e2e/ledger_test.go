package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/ledger"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// publish publishes n receipts at rate per second through conn, trying each again
// with the same id until it is confirmed or patience runs out.
func publish(t *testing.T, conn *broker.Conn, l *ledger.Ledger, n, rate int) {
	t.Helper()
	publishTo(t, conn, publisher.Config{}, l, n, rate)
}

// publishTo is publish with a publisher of its own kind.
func publishTo(t *testing.T, conn *broker.Conn, c publisher.Config, l *ledger.Ledger, n, rate int) {
	t.Helper()
	pub, err := conn.Publisher(c)
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
			send(ctx, t, l, pub)
		}
	}
	if err := errors.Join(pub.Flush(ctx), pub.Close(ctx)); err != nil {
		t.Errorf("publisher: %v", err)
	}
}

// topics is how many conversations the receipts are of, in as many streams as there are.
const topics = 16

// send publishes one receipt. The lane carries it whole, so the ledger need not know
// to whom.
func send(ctx context.Context, t *testing.T, l *ledger.Ledger, pub *publisher.Publisher) {
	t.Helper()
	seq := l.Sent(nil)
	r := &push.Receipt{
		To:      map[push.Uid]push.Recipient{push.Uid(seq): {Unread: 1}},
		Payload: push.Payload{What: push.ActMsg, Topic: fmt.Sprintf("grpE2E%d", seq%topics), SeqId: seq, From: "usr782riWdFIwE", Content: "hello"},
	}
	err := pub.PublishAsync(ctx, r, func(_ publisher.Ack, err error) {
		if err == nil {
			l.Acked(seq)
		}
	})
	if err != nil {
		t.Errorf("publish %d: %v", seq, err)
	}
}

// check compares the ledger with what the workers printed, and wants that nothing
// is lost or unexpected.
func check(t *testing.T, l *ledger.Ledger, workers []*program) ledger.Verdict {
	t.Helper()
	var arrivals []ledger.Arrival
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
			arrivals = append(arrivals, ledger.Arrival{Seq: r.Payload.SeqId})
		}
	}
	v := l.Check(ledger.Evidence{Arrivals: arrivals})
	t.Logf("%+v", v)
	if v.Lost > 0 || v.Unexpected > 0 {
		t.Errorf("%d lost, %d unexpected; want none", v.Lost, v.Unexpected)
	}
	return v
}
