package broker_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
)

// BenchmarkErase erases b.N receipts of one user.
func BenchmarkErase(b *testing.B) {
	r := newRig(b)
	for range b.N {
		if _, err := r.js.PublishMsgAsync(&nats.Msg{Subject: "push.receipts", Data: []byte(toAlice)}, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-r.js.PublishAsyncComplete()
	b.ResetTimer()
	counts, err := r.conn.Eraser(r.topo).Erase(b.Context(), "PUSH", aliceOf(b), false)
	if want := (broker.Erasure{Stream: "PUSH", Found: b.N, Erased: b.N}); err != nil || counts != want {
		b.Fatalf("Erase = %+v, %v; want %+v", counts, err, want)
	}
}
