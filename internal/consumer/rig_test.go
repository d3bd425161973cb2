package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

const ackWait = 30 * time.Second

// rig is a lane between streams in memory. It lives in a synctest bubble.
type rig struct {
	t        *testing.T
	fresh    *memStream
	retries  *memStream
	suspects *memStream
	stores   *stores
	lane     *consumer.Lane
	reg      *prometheus.Registry
	stop     context.CancelFunc
	ended    chan error
	began    time.Time
}

// start runs a lane with handler until the test stops it or ends.
func start(t *testing.T, h push.Handler, adjust ...func(*consumer.Config)) *rig {
	t.Helper()
	r := &rig{
		t: t, fresh: newMemStream("PUSH", ackWait), retries: newMemStream("PUSH_RETRY", ackWait),
		suspects: newMemStream("PUSH_RETRY", ackWait), reg: prometheus.NewRegistry(), ended: make(chan error, 1),
	}
	r.stores = &stores{retries: r.retries, suspects: r.suspects, letters: map[string]letter{}}
	c := consumer.Config{
		Name: "fcm", Handler: h, Fresh: []consumer.Source{r.fresh}, Retries: r.retries, Suspects: r.suspects,
		Scheduler: r.stores, DeadLetters: r.stores,
		Policy:  retry.Policy{Base: time.Second, Cap: 10 * time.Minute, MaxAge: 6 * time.Hour, MaxAttempts: 50},
		AckWait: ackWait, Grace: 10 * time.Second, Metrics: consumer.NewMetrics(r.reg), Log: zerolog.Nop(),
	}
	for _, f := range adjust {
		f(&c)
	}
	for _, s := range []*memStream{r.fresh, r.retries, r.suspects} {
		s.ackWait = c.AckWait
	}
	r.lane = consumer.New(c)
	ctx, stop := context.WithCancel(t.Context())
	r.stop, r.began = stop, time.Now()
	go func() { r.ended <- r.lane.Run(ctx) }()
	<-time.After(100 * time.Millisecond) // past the start, when it looks for suspects only
	synctest.Wait()
	return r
}

// end stops the lane and returns what Run returned.
func (r *rig) end() error {
	r.t.Helper()
	r.stop()
	return <-r.ended
}

// until lets time pass in steps of 100 ms until ok, for at most limit.
func (r *rig) until(limit time.Duration, what string, ok func() bool) {
	r.t.Helper()
	for began := time.Now(); ; <-time.After(100 * time.Millisecond) {
		synctest.Wait()
		if ok() {
			return
		}
		if time.Since(began) > limit {
			r.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// settled waits until nothing is left in any stream.
func (r *rig) settled(limit time.Duration) {
	r.t.Helper()
	r.until(limit, "everything settled", func() bool {
		return r.fresh.open()+r.retries.open()+r.suspects.open() == 0
	})
}

// metric reads one counter or gauge of the lane.
func (r *rig) metric(name string, labels ...string) float64 {
	r.t.Helper()
	return metric(r.t, r.reg, name, labels...)
}

func metric(tb testing.TB, reg *prometheus.Registry, name string, labels ...string) float64 {
	tb.Helper()
	families, err := reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "pushworker_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetValue())
			}
			if fmt.Sprint(got) == fmt.Sprint(append([]string{"fcm"}, labels...)) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	tb.Fatalf("no metric %s%v", name, labels)
	return 0
}

// receipt is the JSON of a message to n users.
func receipt(seq, n int) string {
	to := make([]string, n)
	for i := range to {
		to[i] = fmt.Sprintf(`"%d":{"delivered":0,"unread":1}`, 1000+i)
	}
	return fmt.Sprintf(`{"to":{%s},"payload":{"what":"msg","topic":"grpX","seq":%d,"content":"hello"}}`, strings.Join(to, ","), seq)
}

// log records the receipts that a handler was given.
type log struct {
	mu  sync.Mutex
	got []*push.Receipt
	at  []time.Time
}

func (l *log) note(r *push.Receipt) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, r)
	l.at = append(l.at, time.Now())
	return len(l.got)
}

func (l *log) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.got)
}

// perSeq counts how often each payload was given.
func (l *log) perSeq() map[int]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := map[int]int{}
	for _, r := range l.got {
		m[r.Payload.SeqId]++
	}
	return m
}

func (l *log) times() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Time(nil), l.at...)
}

// handler adapts f, started with room for buffer receipts and concurrency workers.
func handler(t *testing.T, buffer, concurrency int, f func(context.Context, *push.Receipt) error) *push.Adapter {
	t.Helper()
	h := push.Adapt(func(string) (push.Work, error) { return push.Work{Handle: f, Notifies: true}, nil })
	conf := fmt.Sprintf(`{"buffer":%d,"concurrency":%d,"timeout":"1h"}`, buffer, concurrency)
	if err := h.Init(conf); err != nil {
		t.Fatal(err)
	}
	return h
}

// plain is a handler of Tinode's kind: a channel, and no word about outcomes.
type plain struct {
	ch    chan *push.Receipt
	ready bool
}

func (*plain) Init(string) error            { return nil }
func (p *plain) IsReady() bool              { return p.ready }
func (p *plain) Push() chan<- *push.Receipt { return p.ch }
func (*plain) Stop()                        {}
