package observe_test

import (
	"flag"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var picture = flag.String("picture", "", "draw the outage into this `FILE`, as make observe-picture does")

// TestOutage has FCM fail for more than a minute. The right alert fires and clears, the dashboard says
// late and then fine, each of its panels has data, and nothing is lost.
func TestOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := time.Now()
	w.publish()
	verdict := w.verdict()

	w.eventually("pushes are fine", func() bool {
		return w.value(`sum(pushworker_targets_total{result="accepted"})`) > 600 && w.value(verdict) == 0
	})
	if names := w.firing(); len(names) != 0 {
		t.Errorf("before the outage %v fire", names)
	}

	w.script(`{"answer":"unavailable"}`)
	w.eventually("the dashboard says late", func() bool { return w.value(verdict) == 1 })
	if names := w.firing(); !slices.Equal(names, []string{"PushworkerProviderDown"}) {
		t.Errorf("in the outage %v fire, want PushworkerProviderDown", names)
	}

	w.script("")
	w.eventually("the backlog is gone", func() bool {
		return w.value(verdict) == 0 && w.value(`max(pushworker_lane_pending) + max(pushworker_lane_retries_waiting)`) == 0
	})
	w.eventually("the alert has cleared", func() bool { return len(w.firing()) == 0 })
	settled := w.value(`sum(pushworker_targets_total{result="accepted"})`)
	w.eventually("new pushes arrive", func() bool { return w.value(`sum(pushworker_targets_total{result="accepted"})`) > settled+400 })

	if lost := w.value("sum(pushworker_dead_letters_total)"); lost != 0 {
		t.Errorf("%g receipts have become dead letters", lost)
	}
	w.panelsHaveData(began)
	path := *picture
	if path == "" {
		path = filepath.Join(t.TempDir(), "outage.svg")
	}
	w.draw(began, path)
}

// panelsHaveData asks each expression of the dashboard, as Grafana would, for what was since began.
func (w *world) panelsHaveData(began time.Time) {
	w.Helper()
	for _, p := range panels(w.T) {
		for _, target := range p.Targets {
			n := 0
			for _, s := range w.since(began, inGrafana(target.Expr)) {
				for _, point := range s.samples {
					if !math.IsNaN(point.value) {
						n++
					}
				}
			}
			if n == 0 {
				w.Errorf("panel %q has no data: %s", p.Title, target.Expr)
			}
		}
	}
}
