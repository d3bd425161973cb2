package query_test

import (
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/explain/query"
	"github.com/pushworker/pushworker/pkg/push"
)

// What was erased between does not hide what is before it.
func TestExplainLooksBehindErasedReceipts(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn, topo := b.Connect(t), b.Topology("fcm")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	store := storing(t, b)
	store("push.receipts", 1, `{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","seq":7}}`)
	store("push.receipts.gone", 20_000, `{}`) // more than two of the greatest parts
	store("push.receipts", 1, `{}`)
	b.Purge(t, topo.Stream, "push.receipts.gone")
	found, err := asking(t, conn, topo, 0).Find(t.Context())
	if err != nil || len(found.Receipts) != 1 || found.Receipts[0].TopicSeq != 7 {
		t.Errorf("found %+v, %v; want the receipt before the erased ones", found, err)
	}
}

// The record of outcomes may begin later than the receipts: what is older is read, and
// without a bound on the time everything is.
func TestExplainLooksBeforeTheRecord(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn, topo := b.Connect(t), b.Topology("fcm")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	if _, err := events.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	store := storing(t, b)
	store("push.receipts", 1, `{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","seq":7}}`)
	store("push.events.accepted.fcm", 1, `[]`)
	const others = 600 // more than the first part
	store("push.receipts", others, `{}`)
	b.Settle(t, "PUSH", "fcm", others+1)
	for _, bound := range []time.Duration{0, time.Hour} {
		found, err := asking(t, conn, topo, bound).Find(t.Context())
		if err != nil || len(found.Receipts) != 1 || found.Receipts[0].TopicSeq != 7 || !found.Complete {
			t.Errorf("within %s: found %+v, %v; want the receipt before the record", bound, found, err)
		}
	}
}

// storing returns what stores n messages of one text.
func storing(t *testing.T, b *brokertest.Broker) func(subject string, n int, text string) {
	t.Helper()
	return func(subject string, n int, text string) {
		t.Helper()
		b.Store(t, subject, n, func(int) []byte { return []byte(text) })
	}
}

// asking is a query for one receipt of a user.
func asking(t *testing.T, conn *broker.Conn, topo topology.Topology, bound time.Duration) query.Query {
	t.Helper()
	user, err := push.ParseUid("usr782riWdFIwE")
	if err != nil {
		t.Fatal(err)
	}
	return query.Query{
		Conn: conn, Topology: topo, Limits: push.Limits{MaxBytes: 1 << 20, MaxDepth: 64, MaxKeys: 1000},
		User: user, Limit: 1, For: bound,
	}
}
