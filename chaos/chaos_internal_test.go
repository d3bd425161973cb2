package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", reliabilityDoc))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryCaseIsProvedSomewhere: the page has every case once, with something that
// proves it or the reason why nothing does; and all that it names exists.
func TestEveryCaseIsProvedSomewhere(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile(`(?m)^\| (T\d+) [^|]+\| ([^|]+) \|$`).FindAllStringSubmatch(page(t), -1)
	var cases, named []string
	for _, row := range rows {
		cases = append(cases, row[1])
		proofs := regexp.MustCompile("`(?:chaos:([a-z0-9-]+)|([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+))`").FindAllStringSubmatch(row[2], -1)
		if len(proofs) == 0 && !strings.Contains(row[2], "not here: ") {
			t.Errorf("%s has neither a proof nor a reason", row[1])
		}
		for _, p := range proofs {
			if p[1] != "" {
				named = append(named, p[1])
			} else if !hasTest(t, p[2], p[3]) {
				t.Errorf("%s: %s has no %s", row[1], p[2], p[3])
			}
		}
	}
	var want []string
	for n := range 33 {
		if n+1 != 29 { // which is about secrets and not about receipts
			want = append(want, fmt.Sprintf("T%d", n+1))
		}
	}
	if diff := cmp.Diff(want, cases); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	var exist []string
	for _, s := range scenarios() {
		exist = append(exist, s.name)
	}
	slices.Sort(exist)
	slices.Sort(named)
	if diff := cmp.Diff(exist, slices.Compact(named)); diff != "" {
		t.Errorf("scenarios, those that exist and those that are named (-want +got):\n%s", diff)
	}
}

// hasTest reports whether a test file of the package declares the test.
func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// TestSchedulesComeAgain: a seed makes one schedule, another seed another; steps are
// in order, within the load, and of targets that exist.
func TestSchedulesComeAgain(t *testing.T) {
	t.Parallel()
	for _, sc := range []scale{quick(), long()} {
		for _, s := range scenarios() {
			plan := func(seed uint64) []step { return s.plan(seededPlanner(seed, s.name, sc)) }
			first := plan(1)
			if !slices.Equal(first, plan(1)) || slices.Equal(first, plan(2)) {
				t.Errorf("%s: the seed of the random numbers does not decide", s.name)
			}
			if len(first) == 0 {
				t.Errorf("%s does nothing", s.name)
			}
			targets := max(s.shape.workers, s.shape.nodes)
			for i, step := range first {
				if step.at < calm || step.at > sc.load || step.who < 0 || step.who >= targets || i > 0 && step.at < first[i-1].at {
					t.Errorf("%s: step %d is %s", s.name, i, step)
				}
			}
		}
	}
}

// TestLongFaultsOutlastTheBroker: freezing and cutting take longer than the broker
// waits, or they would prove nothing.
func TestLongFaultsOutlastTheBroker(t *testing.T) {
	t.Parallel()
	for _, sc := range []scale{quick(), long()} {
		for _, s := range scenarios() {
			for _, step := range s.plan(seededPlanner(1, s.name, sc)) {
				if s.name != "everything" && (step.do == freezeWorker || step.do == freezeBroker || step.do == cutLink) && step.long <= sc.ackWait {
					t.Errorf("%s: %s, and the broker waits for %v", s.name, step, sc.ackWait)
				}
			}
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		shape shape
		done  []step
		want  int
	}{
		"a worker in a deployment":    {usual(2), []step{{do: replaceWorker}}, 0},
		"two workers killed":          {usual(3), []step{{do: killWorker}, {do: killWorker}}, 2 * 2 * 65},
		"the broker of one worker":    {usual(1), []step{{do: killBroker}}, 0},
		"the broker of three workers": {usual(3), []step{{do: killBroker}}, 2 * (3*65 + 40)},
		"worker and broker in one":    {usual(1).with(func(s *shape) { s.nodes = 0 }), []step{{do: killWorker}}, 2 * (65 + 60)},
		"a durable of one worker":     {usual(1), []step{{do: loseDurable}}, 0},
		"a durable of two workers":    {usual(2), []step{{do: loseDurable}}, 2*65 + 450},
		"a durable of dead workers":   {usual(2), []step{{do: loseDurableUnseen}}, 2*2*65 + 450},
		"a provider that is down":     {usual(2), []step{{do: scriptFake, long: time.Hour}}, 0},
	} {
		if got := tt.shape.bound(tt.done); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	lines := `{"scenario":"cut","what":"w","seed":9,"faults":{"cut":2},"total":{"acked":100,"duplicated":3},"bound":60,"settled_seconds":1.25}
{"scenario":"cut","what":"w","seed":10,"faults":{"cut":2},"total":{"acked":50,"duplicated":5,"lost":1},"bound":60,"failures":["x"]}
{"scenario":"disk-full","what":"d","seed":10,"not_run":"no root","total":{}}
`
	results, err := readResults([]byte(lines))
	if err != nil {
		t.Fatal(err)
	}
	got := figures(results)
	for _, want := range []string{
		"Seeds: 9, 10.", "| cut: w | 2 | 1 | 4 | 150 | 1 | 0 | 0 | 8 | 2.0 | 5 | 60 | 1.2 s |", "| disk-full: d | not run |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if _, err := readResults(nil); err == nil {
		t.Error("no results are results")
	}
}

// TestTransports: runs with both transports are a table of their own.
func TestTransports(t *testing.T) {
	t.Parallel()
	lines := `{"scenario":"provider-resets","seed":2,"transport":"auto","faults":{"connections":3},"doubt":{"in_doubt":9,"repeated":8,"alone":20,"repeated_alone":2}}
{"scenario":"provider-resets","seed":10,"transport":"auto","faults":{"connections":3},"doubt":{"in_doubt":9,"repeated":9,"alone":20,"repeated_alone":0}}
{"scenario":"provider-resets","seed":2,"transport":"net/http","faults":{"connections":3},"doubt":{"in_doubt":30,"repeated":31,"alone":20,"repeated_alone":25},"failures":["x"]}
`
	results, err := readResults([]byte(lines))
	if err != nil || !bothTransports(results) || bothTransports(results[:2]) {
		t.Fatal(results, err)
	}
	got := transports(results)
	for _, want := range []string{
		"Seeds: 2, 10.", "| provider-resets | h2post | 2 | 0 | 18 | 17 | 2.5 | 40 | 2 | 0.05 |", "| provider-resets | net/http | 1 | 1 | 30 | 31 | 2.0 | 20 | 25 | 1.25 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestLeaderIsFound(t *testing.T) {
	t.Parallel()
	answer := `{"account_details":[{"stream_detail":[{"name":"OTHER","cluster":{"leader":"broker0"}},{"name":"PUSH","cluster":{"leader":"broker2"}}]}]}`
	if got := leaderIn([]byte(answer)); got != "broker2" {
		t.Errorf("leader is %q", got)
	}
	if got := leaderIn([]byte("<html>")); got != "" {
		t.Errorf("leader is %q in what is no answer", got)
	}
}

func TestLeaks(t *testing.T) {
	t.Parallel()
	before := []usage{{goroutines: 50, descriptors: 10, heap: 8 << 20}}
	if err := leaked(before, []usage{{goroutines: 55, descriptors: 4, heap: 10 << 20}}); err != nil {
		t.Errorf("within tolerance: %v", err)
	}
	err := leaked(before, []usage{{goroutines: 56, descriptors: 16, heap: 13 << 20}})
	for _, want := range []string{"56 goroutines", "16 descriptors", "bytes of heap"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	metrics := "# HELP go_goroutines Number\ngo_goroutines 51\nprocess_open_fds 12\ngo_memstats_heap_alloc_bytes 8.388608e+06\n"
	if got, want := readUsage([]byte(metrics)), (usage{51, 12, 8 << 20}); got != want {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if got := slope([]float64{0, 1, 2}, []float64{5, 7, 9}); got != 2 {
		t.Errorf("slope is %v, want 2", got)
	}
}
