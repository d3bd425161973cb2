package worker_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

// TestManyIdleWorkersAreQuiet: fifty workers with three lanes each, whose gauges nobody
// reads, ask JetStream for less than 20 things a second together.
func TestManyIdleWorkersAreQuiet(t *testing.T) {
	t.Parallel()
	const workers, most = 50, 20
	b := brokertest.Start(t)
	for range workers { // one after another: all at once ask for more than a busy machine answers in time
		admin := setup{url: b.URL(), lanes: []string{"one", "two", "three"}}.start(t)
		wantAnswer(t, "http://"+admin+"/readyz", http.StatusOK, "ok")
	}
	awaitSettled(t, b, most)
	window := 60 * time.Second // about as long as a pull request lives, so that each is counted once
	asked := requests(t, b, window)
	total := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(asked)) {
		total += asked[kind]
		kinds = append(kinds, fmt.Sprintf("%s: %.2f", kind, float64(asked[kind])/window.Seconds()))
	}
	rate := float64(total) / window.Seconds()
	t.Logf("%.1f requests a second by %d workers:\n%s", rate, workers, strings.Join(kinds, "\n"))
	if rate >= most {
		t.Errorf("%.1f requests a second, want less than %d", rate, most)
	}
	if total == 0 {
		t.Error("no request was counted: idle workers pull, at least")
	}
}

// awaitSettled waits until what belongs to the start of workers is over: who asks for all
// has been settled, and JetStream is asked for less than most things a second.
func awaitSettled(t *testing.T, b *brokertest.Broker, most int) {
	t.Helper()
	<-time.After(10 * time.Second)
	const window = 5 * time.Second
	for end := time.Now().Add(2 * time.Minute); ; {
		total := 0
		for _, n := range requests(t, b, window) {
			total += n
		}
		if total < most*int(window.Seconds()) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d requests in %s, long after the start", total, window)
		}
	}
}

// requests counts what is asked of JetStream meanwhile, by kind.
func requests(t *testing.T, b *brokertest.Broker, window time.Duration) map[string]int {
	t.Helper()
	var mu sync.Mutex
	counts := make(map[string]int)
	stop := b.Listen(t, "$JS.API.>", func(subject string) {
		tokens := strings.SplitN(subject, ".", 5)
		mu.Lock()
		defer mu.Unlock()
		counts[strings.Join(tokens[:4], ".")]++
	})
	<-time.After(window)
	stop()
	mu.Lock()
	defer mu.Unlock()
	return counts
}
