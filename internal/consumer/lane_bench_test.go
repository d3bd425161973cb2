package consumer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// BenchmarkLane is a lane without a broker and with a handler that does nothing: what
// the main path itself costs. Receipts are to other users and topics each.
func BenchmarkLane(b *testing.B) {
	for _, n := range []int{1, 3, 100} {
		b.Run(fmt.Sprintf("recipients=%d", n), func(b *testing.B) {
			h := push.Adapt(func(string) (push.Work, error) {
				return push.Work{Handle: func(context.Context, *push.Receipt) error { return nil }, Notifies: true}, nil
			})
			if err := h.Init(`{"buffer":1024,"concurrency":16}`); err != nil {
				b.Fatal(err)
			}
			s := &spring{want: int64(b.N), n: n, dry: make(chan struct{})}
			lane := consumer.New(consumer.Config{
				Name: "null", Handler: h, Fresh: []consumer.Source{s}, Retries: desert{}, Suspects: desert{},
				Policy: retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: time.Hour, MaxAttempts: 3}, Limits: push.DefaultLimits(),
				AckWait: time.Minute, Grace: time.Second, Metrics: consumer.NewMetrics(prometheus.NewRegistry()), Log: zerolog.Nop(),
			})
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			b.ReportAllocs()
			b.ResetTimer()
			go func() { ended <- lane.Run(ctx) }()
			<-s.dry
			b.StopTimer()
			stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}

// spring is a source that never waits until it is dry.
type spring struct {
	want, given, acked int64
	n                  int
	dry                chan struct{}
}

func (s *spring) Pull(ctx context.Context, n, bytes int, _ consumer.More, take func(consumer.Message)) (int, error) {
	got := 0
	for ; got < n; got++ {
		seq := atomic.AddInt64(&s.given, 1)
		if seq > s.want {
			<-ctx.Done()
			break
		}
		take(&drop{s, seq})
	}
	return got, nil
}

// desert has no messages.
type desert struct{}

func (desert) Pull(ctx context.Context, _, _ int, _ consumer.More, _ func(consumer.Message)) (int, error) {
	<-ctx.Done()
	return 0, nil
}

// drop is a message of a spring.
type drop struct {
	s   *spring
	seq int64
}

func (d *drop) Data() []byte {
	text := fmt.Appendf(make([]byte, 0, 256+40*d.s.n), `{"payload":{"what":"msg","topic":"grp%d","seq":%d,"content":"hello"},"to":{`, d.seq%5000, d.seq)
	for i := range d.s.n {
		if i > 0 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, `"%d":{"delivered":0,"unread":1}`, 1e6+(d.seq*7+int64(i))%100_000)
	}
	return append(text, `}}`...)
}

func (d *drop) Origin() *consumer.Origin {
	at := time.Unix(1_800_000_000, d.seq)
	return &consumer.Origin{
		Stream: "PUSH", Seq: uint64(d.seq), Stored: at, Deliveries: 1, RootStream: "PUSH", RootSeq: uint64(d.seq), Subject: "push.receipts", First: at,
	}
}

func (d *drop) Ack() error {
	if atomic.AddInt64(&d.s.acked, 1) == d.s.want {
		close(d.s.dry)
	}
	return nil
}

func (*drop) Size() int               { return 300 }
func (*drop) Nak(time.Duration) error { return nil }
func (*drop) InProgress() error       { return nil }
