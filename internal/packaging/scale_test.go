package packaging_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// The model of docs/scale.md: what was measured, and what is assumed.
const (
	pushCPU        = 80e-6 // seconds of a worker's core, of docs/benchmarks.md
	inFlightRate   = 6763  // pushes a second of a worker whose provider takes 200 ms
	brokerCPU      = 54e-6 // seconds of one replica's core for a push
	replicas       = 3
	userInWorker   = 215    // bytes
	userInBroker   = 2300   // bytes
	storedReceipt  = 600    // bytes
	streamRate     = 39_720 // receipts a second, three replicas on one machine
	half           = 0.5    // of the capacity is used at the busiest second
	pushesAUser    = 20     // a day
	peak           = 5      // times the average
	historySeconds = 72 * 3600
	day            = 86_400
	coreCost       = 25.0 // a month, as those for a GiB
	memoryCost     = 3.0
	diskCost       = 0.1
	gib            = 1 << 30
)

// scaleRow is a line of the table. With rate above 0 that is the busiest second.
type scaleRow struct {
	users   float64
	rate    float64
	history float64 // seconds
	// foreign has the chat server keep the devices.
	foreign bool
}

func (r scaleRow) line() string {
	rate := r.rate
	if rate == 0 {
		rate = r.users * pushesAUser * peak / day
	}
	workers := math.Max(2, math.Ceil(rate/math.Min(half/pushCPU, inFlightRate)))
	streams := math.Max(1, math.Ceil(rate/(half*streamRate)))
	brokerCores := math.Max(replicas, math.Ceil(rate*brokerCPU*replicas/half))
	nodes := math.Max(replicas, math.Ceil(brokerCores/8))
	inBroker, inWorker := r.users*userInBroker, r.users*userInWorker
	devices := fmt.Sprintf("%s (%s)", size(inBroker), size(inWorker))
	if r.foreign {
		inBroker, inWorker, devices = 0, 0, "the chat server's"
	}
	disk := rate / peak * r.history * storedReceipt * replicas / nodes
	memory := workers*(inWorker+gib/2) + nodes*(inBroker+2*gib)
	cost := (workers+brokerCores)*coreCost + memory/gib*memoryCost + nodes*disk/gib*diskCost
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s (%.0f h) | %s |\n",
		number(r.users), number(math.Ceil(rate)), number(workers), number(streams), number(nodes), number(brokerCores), devices,
		size(disk), r.history/3600, number(math.Ceil(cost/100)*100))
}

// TestScaleTable holds the table of docs/scale.md to the model.
func TestScaleTable(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/scale.md", "<!-- scale: begin -->\n", "<!-- scale: end -->"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(page), begin)
	have, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatalf("%s has no place for the table", path)
	}
	var want strings.Builder
	want.WriteString("| users | busiest second | workers | streams | nodes | their cores | devices | disk (history) | cost a month |\n" +
		"|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range []scaleRow{
		{users: 1e4, history: historySeconds},
		{users: 1e5, history: historySeconds},
		{users: 1e6, history: historySeconds},
		{users: 1e7, history: historySeconds, foreign: true},
		{users: 1e8, history: 6 * 3600, foreign: true},
		{users: 1e8, rate: 1e6, history: 6 * 3600, foreign: true},
	} {
		want.WriteString(r.line())
	}
	if os.Getenv("UPDATE_SCALE") != "" {
		if err := os.WriteFile(path, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != want.String() {
		t.Errorf("%s is stale: run UPDATE_SCALE=1 go test -run TestScaleTable ./internal/packaging; want\n%s", path, want.String())
	}
}

// number writes a whole number with commas.
func number(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes bytes with two figures or so.
func size(x float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}} {
		if x >= u.size {
			return fmt.Sprintf("%.3g %s", x/u.size, u.name)
		}
	}
	return fmt.Sprintf("%.3g kB", x/1e3)
}
