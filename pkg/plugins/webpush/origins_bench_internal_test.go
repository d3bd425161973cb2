package webpush

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// pace is between two pushes to servers that are well.
const pace = 2 * time.Millisecond

// BenchmarkThreeThousandOrigins sends 500 pushes a second, twice to each of 3,000 push
// servers that take 50 ms, in real time and with all encryption: when all are well, and
// when 30 of them cannot be reached, 30 answer 429 and three do not answer, and each of
// these 63 gets as many pushes as 24 others. It reports how long the pushes to the others
// take, the connections and the memory. The servers are in the same process, at the ends
// of pipes.
func BenchmarkThreeThousandOrigins(b *testing.B) {
	for b.Loop() {
		alone := manyOrigins(b, func(int) string { return "well" })
		beside := manyOrigins(b, matter)
		b.ReportMetric(alone.p99, "alone-p99-ms")
		b.ReportMetric(beside.p99, "beside-p99-ms")
		b.ReportMetric(beside.p99/alone.p99, "p99-ratio")
		b.ReportMetric(float64(alone.connections), "alone-connections")
		b.ReportMetric(float64(beside.connections), "beside-connections")
		b.ReportMetric(alone.heap, "alone-heap-MiB")
		b.ReportMetric(beside.heap, "beside-heap-MiB")
		b.Logf("alone %+v, beside %+v", alone, beside)
	}
}

// measured is what one run shows of the servers that are well.
type measured struct {
	pushes      int
	p50, p99    float64 // ms
	connections int     // at most at a time, to all servers
	heap        float64 // MiB at most
}

func manyOrigins(b *testing.B, matter func(int) string) measured {
	b.Helper()
	runtime.GC()
	n := &internet{of: make(map[string]int), mostOf: make(map[string]int), dialled: make(map[string]int)}
	c, err := parseConfig(`{"origins":["*"],` + minimal + `}`)
	if err != nil {
		b.Fatal(err)
	}
	s := newSender(b.Context(), c)
	s.origins.open.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) { return n.dial(ctx, network, addr) }
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	m := measured{}
	send := func(i, address int) {
		kind := matter(i)
		d := push.Device{Token: fmt.Sprintf("https://%s%d.example.com/%d", kind, i, address), Extra: &push.Extra{Keys: vectorKeys()}}
		began := time.Now()
		all.Add(1)
		s.line.Start(b.Context(), s.call(d, &message{text: []byte("{}"), kind: kindData, ttl: "60", urgency: "normal"}), func(a line.Answer) {
			defer all.Done()
			if kind != "well" || i < 63 {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if took = append(took, time.Since(began)); a.Fate != line.Accepted {
				b.Errorf("a push to a server that is well: %+v", a)
			}
		})
	}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for sent := range 2 * 3000 {
		<-tick.C
		send(sent%3000, sent/3000)
		if matter(0) != "well" { // the load of those in trouble
			send(sent%63, sent)
			send(60+sent%3, sent)
		}
		if sent%100 == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			m.heap = max(m.heap, float64(now.HeapInuse)/(1<<20))
			n.mu.Lock()
			m.connections = max(m.connections, n.open)
			n.mu.Unlock()
		}
	}
	all.Wait()
	s.origins.close()
	slices.Sort(took)
	m.pushes = len(took)
	m.p50 = float64(took[len(took)/2]) / float64(time.Millisecond)
	m.p99 = float64(took[len(took)*99/100]) / float64(time.Millisecond)
	return m
}
