package broker_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

// BenchmarkErase erases b.N receipts of one user.
func BenchmarkErase(b *testing.B) {
	r := newRig(b)
	brokertest.Fill(b, r.js, "push.receipts", b.N, func(int) []byte { return []byte(toAlice) })
	b.ResetTimer()
	counts, err := broker.NewEraser(r.conn, r.topo).Erase(b.Context(), "PUSH", aliceOf(b), false)
	if want := (broker.Erasure{Stream: "PUSH", Found: b.N, Erased: b.N}); err != nil || counts != want {
		b.Fatalf("Erase = %+v, %v; want %+v", counts, err, want)
	}
}
