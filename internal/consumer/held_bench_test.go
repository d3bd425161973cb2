package consumer_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// shapes are receipts that take much memory for their size.
var shapes = []struct {
	name    string
	data    string
	headers int
}{
	{"empty", `{}`, 0},
	{"one recipient", receipt(1, 1), 0},
	{"500 recipients", receipt(1, 500), 0},
	{"20000 recipients, shortest", `{"to":{` + join(20_000, func(i int) string { return fmt.Sprintf(`"%d":{}`, 1+i) }) + `}}`, 0},
	{"1000 recipients with 10 devices", `{"to":{` + join(1000, func(i int) string {
		return fmt.Sprintf(`"%d":{"devices":[%s]}`, 1000+i, join(10, func(j int) string { return fmt.Sprintf(`"d%d-%d"`, i, j) }))
	}) + `}}`, 0},
	{"900 kB of content", `{"to":{"1":{}},"payload":{"content":"` + strings.Repeat("x", 900_000) + `"}}`, 0},
	{"200 headers", receipt(1, 1), 200},
}

func join(n int, f func(int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = f(i)
	}
	return strings.Join(parts, ",")
}

// BenchmarkHeld measures the heap that a lane takes for the messages which it holds, for
// each byte of the messages, and how much of the heap the lane counts. See ADR 017.
func BenchmarkHeld(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			for range b.N {
				h := hold(b, shape.data, shape.headers)
				b.ReportMetric(float64(h.heap)/float64(h.wire), "heap/wire")
				b.ReportMetric(float64(h.heap)/float64(h.messages), "heap/message")
				b.ReportMetric(float64(h.counted)/float64(h.heap), "counted/heap")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// TestHeldIsCounted: what a lane counts is never less than what its messages take.
func TestHeldIsCounted(t *testing.T) { //nolint:paralleltest // it measures the heap
	for _, shape := range shapes {
		h := hold(t, shape.data, shape.headers)
		t.Logf("%s: %d messages of %d bytes take %d bytes, counted %d", shape.name, h.messages, h.wire, h.heap, h.counted)
		if h.counted < h.heap {
			t.Errorf("%s: %d messages take %d bytes and count as %d", shape.name, h.messages, h.heap, h.counted)
		}
	}
}

// holding is what a lane holds: its messages, their bytes as they were sent, what they
// take of the heap, and what the lane counts.
type holding struct{ messages, wire, heap, counted int }

// hold measures a lane that holds many messages alike.
func hold(tb testing.TB, data string, headers int) (h holding) {
	tb.Helper()
	handler := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(ctx context.Context, _ *push.Receipt) error { <-ctx.Done(); return ctx.Err() }, Notifies: true}, nil
	})
	if err := handler.Init(`{"buffer":1024,"concurrency":1,"timeout":"1h"}`); err != nil {
		tb.Fatal(err)
	}
	h.messages = max(5, min(700, 4<<20/len(data))) // enough that what is beside them does not count
	reg := prometheus.NewRegistry()
	source := &hoard{data: data, headers: headers, most: h.messages, given: make(chan struct{})}
	lane := consumer.New(consumer.Config{
		Name: "fcm", Handler: handler, Fresh: []consumer.Source{source}, Retries: desert{}, Suspects: desert{},
		Policy: retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: time.Hour, MaxAttempts: 3}, Limits: push.DefaultLimits(), MaxBytes: 1 << 40,
		AckWait: time.Hour, Grace: time.Millisecond, Metrics: consumer.NewMetrics(reg), Log: zerolog.Nop(),
	})
	var first holding // what it takes to hold one is not of interest: tables of a fixed size
	source.begun = func() {
		first = holding{wire: source.wire, heap: live(), counted: int(metric(tb, reg, "lane_held_bytes"))}
	}
	ctx, stop := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- lane.Run(ctx) }()
	<-source.given
	h.heap, h.wire, h.counted = live()-first.heap, source.wire-first.wire, int(metric(tb, reg, "lane_held_bytes"))-first.counted
	h.messages--
	stop()
	<-ended //nolint:errcheck // it says that what the lane held was not finished
	return h
}

// live is how much of the heap is in use.
func live() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// hoard gives copies of one message, as a client library would, and takes nothing back.
type hoard struct {
	data                string
	headers, most, wire int
	begun               func() // called after the first
	given               chan struct{}
	seq                 uint64
}

func (s *hoard) Pull(ctx context.Context, n, _ int, _ consumer.More, take func(consumer.Message)) (int, error) {
	for i := range n {
		if int(s.seq) == s.most {
			close(s.given)
			<-ctx.Done()
			return i, nil
		}
		s.seq++
		m := &hoarded{size: len(s.data) + 100 + 8*s.headers, data: []byte(s.data), ack: fmt.Sprintf("$JS.ACK.PUSH.fcm.1.%d.%d.1800000000000000000.0", s.seq, s.seq)}
		m.origin = consumer.Origin{Stream: "PUSH", Seq: s.seq, Stored: time.Now(), Deliveries: 1, RootStream: "PUSH", RootSeq: s.seq, First: time.Now()}
		m.origin.Subject = strings.Clone("push.receipts")
		for i := range s.headers {
			if m.origin.Header == nil {
				m.origin.Header = map[string][]string{}
			}
			m.origin.Header[fmt.Sprintf("h%d", i)] = []string{strings.Clone("v")}
		}
		s.wire += m.size
		take(m)
		if s.seq == 1 {
			s.begun()
		}
	}
	return n, nil
}

// hoarded is a message of a hoard.
type hoarded struct {
	size   int
	data   []byte
	ack    string
	origin consumer.Origin
}

func (m *hoarded) Data() []byte             { return m.data }
func (m *hoarded) Size() int                { return m.size }
func (m *hoarded) Origin() *consumer.Origin { return &m.origin }
func (*hoarded) Ack() error                 { return nil }
func (*hoarded) Nak(time.Duration) error    { return nil }
func (*hoarded) InProgress() error          { return nil }
