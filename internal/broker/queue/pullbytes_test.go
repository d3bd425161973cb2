package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// A pull keeps to its bytes as the broker counts them, ends when the next message is too
// large, when the bytes are used up exactly, and when it has its messages with bytes left;
// after none of these is anything delivered that nobody waits for.
func TestPullKeepsToItsBytes(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	brokertest.Fill(t, r.JetStream, r.Topology.Subject, 620, func(int) []byte { return []byte(strings.Repeat("x", 1000)) })
	size, source := 0, queue.Patient(r.Lane.Fresh)
	pull := func(n, bytes, want int, fault error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline) // before a watchdog ends it
		defer cancel()
		got, err := source.Pull(ctx, n, bytes, nil, func(m consumer.Message) {
			size = m.Size()
			if bytes == 1<<20 {
				_ = r.Conn.NATS().Flush() // the answer comes after what the broker has said before
			}
			brokertest.Ack(t, m)
		})
		if got != want || !errors.Is(err, fault) || ctx.Err() != nil {
			t.Fatalf("Pull of %d messages and %d bytes = %d, %v, in time %v; want %d, %v", n, bytes, got, err, ctx.Err() == nil, want, fault)
		}
	}
	for range 600 { // the broker says that bytes are left while take is busy
		pull(1, 1<<20, 1, nil)
	}
	pull(11, 0, 11, nil) // from here on all are of one size
	pull(5, size-1, 0, consumer.ErrNoRoom)
	pull(5, 2*size, 2, nil)
	pull(5, 2*size+1, 2, nil)
	pull(2, 100*size, 2, nil)
	pull(1, 0, 1, nil)
	pull(1, 0, 1, nil) // a request that is too many would be answered before this one
	brokertest.Eventually(t, "acknowledged", func() bool { return r.Info(t, "fcm").NumAckPending == 0 })
	if info := r.Info(t, "fcm"); info.Delivered.Consumer != 619 || info.NumWaiting != 0 || info.NumRedelivered != 0 {
		t.Errorf("the broker has delivered %d and %d requests wait; want 619 and none", info.Delivered.Consumer, info.NumWaiting)
	}
}

// A message that was refused for its size counts as delivered only when it was.
func TestTooLargeIsNoDelivery(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	brokertest.Fill(t, r.JetStream, r.Topology.Subject, 1, func(int) []byte { return []byte(strings.Repeat("x", 1000)) })
	for delivery := 1; delivery <= 3; delivery++ {
		for range 3 {
			if _, err := r.Lane.Fresh.Pull(t.Context(), 5, 500, nil, func(consumer.Message) {}); !errors.Is(err, consumer.ErrNoRoom) {
				t.Errorf("Pull: %v, want ErrNoRoom", err)
			}
		}
		if _, err := r.Lane.Fresh.Pull(t.Context(), 1, 0, nil, func(m consumer.Message) {
			if got := m.Origin().Deliveries; got != delivery {
				t.Errorf("delivery %d counts as %d", delivery, got)
			}
			if err := m.Nak(0); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// A lane with a slow handler keeps within its bytes, also with a real broker, and all
// receipts arrive once, those that are larger than the bound among them.
func TestLaneKeepsToItsBytes(t *testing.T) {
	t.Parallel()
	const receipts, limit, size = 60, 2 << 20, 200_000
	r := brokertest.NewRig(t)
	brokertest.Fill(t, r.JetStream, r.Topology.Subject, receipts, func(i int) []byte {
		n := size
		if i%20 == 10 {
			n = 900_000
		}
		return fmt.Appendf(nil, `{"to":{"%d":{}},"payload":{"what":"msg","topic":"grp%d","seq":%d,"content":"%s"}}`, 1000+i, i, i, strings.Repeat("x", n))
	})
	var handled [receipts]atomic.Int32
	var done atomic.Int32
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(_ context.Context, receipt *push.Receipt) error {
			for range 2 { // it is slow
				_ = r.NATS.Flush()
			}
			handled[receipt.Payload.SeqId].Add(1)
			done.Add(1)
			return nil
		}}, nil
	})
	if err := h.Init(`{"concurrency":2}`); err != nil {
		t.Fatal(err)
	}
	scale := &weighed{Source: r.Lane.Fresh}
	lane := consumer.New(consumer.Config{
		Name: "fcm", Handler: h, Fresh: []consumer.Source{scale}, Retries: r.Lane.Retries, Suspects: r.Lane.Suspects,
		Scheduler: queue.NewScheduler(r.Conn, r.Topology), DeadLetters: queue.NewDeadLetters(r.Conn, r.Topology), MaxBytes: limit,
		Policy:  retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: time.Hour, MaxAttempts: 10},
		AckWait: r.Topology.AckWait, Grace: time.Second, Metrics: consumer.NewMetrics(prometheus.NewRegistry()), Log: zerolog.Nop(),
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- lane.Run(ctx) }()
	brokertest.Eventually(t, "all handled", func() bool { return done.Load() >= receipts })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for i := range handled {
		if n := handled[i].Load(); n != 1 {
			t.Errorf("receipt %d was handled %d times", i, n)
		}
	}
	if most := scale.most.Load(); most > limit || most < 2*size {
		t.Errorf("the lane held up to %d bytes, want more than one receipt and at most %d", most, limit)
	}
}

// weighed notes how many bytes of a source are unsettled at most.
type weighed struct {
	*queue.Source

	out, most atomic.Int64
}

func (s *weighed) Pull(ctx context.Context, n, bytes int, more consumer.More, take func(consumer.Message)) (int, error) {
	return s.Source.Pull(ctx, n, bytes, more, func(m consumer.Message) {
		out := s.out.Add(int64(m.Size()))
		s.most.Store(max(s.most.Load(), out))
		take(&weighedMessage{m, s})
	})
}

type weighedMessage struct {
	consumer.Message

	s *weighed
}

func (m *weighedMessage) Ack() error {
	m.s.out.Add(-int64(m.Size()))
	return m.Message.Ack()
}
