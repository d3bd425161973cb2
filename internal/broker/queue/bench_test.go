package queue_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/consumer"
)

// The two benchmarks below are to be read together: the same backlog of 1 KiB
// messages, pulled and acknowledged with nothing in between.

func BenchmarkPullAndAck(b *testing.B) {
	r := brokertest.NewRig(b)
	backlog(b, r, b.N)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 2 { // so that one waits at the broker while the messages of the other arrive
		wg.Go(func() {
			for {
				n := min(500, left.Add(-500)+500)
				if n <= 0 {
					return
				}
				if _, err := r.Lane.Fresh.Pull(b.Context(), int(n), 0, nil, func(m consumer.Message) { brokertest.Ack(b, m) }); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}

func BenchmarkConsumeAndAck(b *testing.B) {
	r := brokertest.NewRig(b)
	backlog(b, r, b.N)
	c, err := r.JetStream.Consumer(b.Context(), "PUSH", "fcm")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan struct{})
	n := 0
	cc, err := c.Consume(func(m jetstream.Msg) {
		if err := m.Ack(); err != nil {
			b.Error(err)
		}
		if n++; n == b.N {
			close(done)
		}
	}, jetstream.PullMaxMessages(500))
	if err != nil {
		b.Fatal(err)
	}
	<-done
	b.StopTimer()
	cc.Stop()
	<-cc.Closed()
}

func backlog(b *testing.B, r *brokertest.Rig, n int) {
	b.Helper()
	body := make([]byte, 1024)
	brokertest.Fill(b, r.JetStream, "push.receipts", n, func(int) []byte { return body })
}

// BenchmarkSchedule stores retries from 64 goroutines, as busy lanes do.
func BenchmarkSchedule(b *testing.B) {
	r := brokertest.NewRig(b)
	s := queue.NewScheduler(r.Conn, r.Topology)
	body := make([]byte, 1024)
	var seq atomic.Uint64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			retry := consumer.Retry{Handler: "fcm", Data: body, Delay: time.Hour, Error: "no", Origin: consumer.Origin{
				Stream: "PUSH", Seq: seq.Add(1), Stored: time.Now(), RootStream: "PUSH", RootSeq: 1, Subject: "push.receipts", Attempts: 1,
			}}
			if err := s.Schedule(b.Context(), retry); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
