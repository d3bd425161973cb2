package query_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
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
	store := func(subject string, n int, text string) {
		b.Store(t, subject, n, func(int) []byte { return []byte(text) })
	}
	store("push.receipts", 1, `{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","seq":7}}`)
	store("push.receipts.gone", 20_000, `{}`) // more than two of the greatest parts
	store("push.receipts", 1, `{}`)
	b.Purge(t, topo.Stream, "push.receipts.gone")
	user, err := push.ParseUid("usr782riWdFIwE")
	if err != nil {
		t.Fatal(err)
	}
	q := query.Query{
		Conn: conn, Topology: topo, Limits: push.Limits{MaxBytes: 1 << 20, MaxDepth: 64, MaxKeys: 1000},
		User: user, Limit: 1,
	}
	found, err := q.Find(t.Context())
	if err != nil || len(found.Receipts) != 1 || found.Receipts[0].TopicSeq != 7 {
		t.Errorf("found %+v, %v; want the receipt before the erased ones", found, err)
	}
}
