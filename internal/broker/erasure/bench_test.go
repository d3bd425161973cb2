package erasure_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/erasure"
)

// BenchmarkErase erases b.N receipts of one user.
func BenchmarkErase(b *testing.B) {
	r := brokertest.NewRig(b)
	brokertest.Fill(b, r.JetStream, "push.receipts", b.N, func(int) []byte { return []byte(toAlice) })
	b.ResetTimer()
	counts, err := erasure.New(r.Conn, r.Topology).Erase(b.Context(), "PUSH", aliceOf(b), false)
	if want := (erasure.Counts{Where: "PUSH", Found: b.N, Erased: b.N}); err != nil || counts != want {
		b.Fatalf("Erase = %+v, %v; want %+v", counts, err, want)
	}
}
