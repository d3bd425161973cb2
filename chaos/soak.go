package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// soakRate is the load in receipts per second.
	soakRate = 200
	// tolerance is how many goroutines and descriptors more than at the beginning are
	// no leak, and heapRoom how much memory: caches fill.
	tolerance = 5
	heapRoom  = 4 << 20
	// samples of memory there are, for the slope.
	samples = 60
	// returnWithin is how long a worker may take to let go of what it used.
	returnWithin = 2 * time.Minute
)

// usage is what a process holds.
type usage struct {
	goroutines, descriptors int
	heap                    float64 // bytes that are alive
}

// soak runs load through reconnects and outages for d, and then looks whether the
// workers hold what they held before.
func (r *runner) soak(ctx context.Context, d time.Duration) error {
	w := &world{shape: usual(2).with(func(s *shape) { s.rate = soakRate }), scale: r.scale, transport: r.transport, programs: r.programs[false], ports: r.ports, dir: filepath.Join(r.dir, "soak")}
	defer w.close()
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	if err := w.open(ctx); err != nil {
		return fmt.Errorf("set the system up: %w", err)
	}
	warm := min(d/10, time.Minute)
	say("seed %d; warming up for %v", r.seed, warm)
	if err := r.load(ctx, w, scale{load: warm}, nil); err != nil {
		return err
	}
	before, err := w.usages(ctx)
	if err != nil {
		return err
	}
	say("load and faults for %v", d)
	long := r.scale
	long.load = d
	curve := newCurve(len(w.workers))
	if err := r.load(ctx, w, long, curve); err != nil {
		return err
	}
	return w.compare(ctx, before, curve)
}

// load publishes for as long as the scale says, does faults if there is a curve to
// draw meanwhile, and waits until everything is settled.
func (r *runner) load(ctx context.Context, w *world, s scale, c *curve) error {
	f := &faults{world: w, say: func(format string, args ...any) {
		if r.verbose {
			say(format, args...)
		}
	}}
	over := make(chan struct{})
	load := make(chan error, 1)
	go func() { load <- w.publish(ctx, s.load, over) }()
	sampling, stop := context.WithCancel(ctx)
	var drawing sync.WaitGroup
	if c != nil {
		drawing.Go(func() { c.draw(sampling, w, s.load/samples) })
		f.run(ctx, soakPlan(seededPlanner(r.seed, "soak", s)))
	}
	close(over)
	err := <-load
	stop()
	drawing.Wait()
	return errors.Join(err, errors.Join(f.errs...), w.settled(ctx, quick().settle))
}

// soakPlan has no worker die: those that live are looked at.
func soakPlan(p *planner) []step {
	return p.every(15*time.Second, func(int) step {
		switch p.IntN(6) {
		case 0:
			return step{do: killBroker, long: p.between(0, 3*time.Second)}
		case 1:
			return step{do: restartBroker, long: p.between(0, 3*time.Second)}
		case 2:
			return step{do: scriptFake, name: "503", how: scriptDown, long: p.between(time.Second, 6*time.Second)}
		case 3:
			return step{do: scriptFake, name: "resets", how: scriptResets, long: p.between(time.Second, 6*time.Second)}
		case 4:
			return step{do: revokeTokens}
		default:
			return step{do: treatFake, how: []string{"goaway", "close", "cut", "freeze"}[p.IntN(4)]}
		}
	})
}

// compare waits until every worker holds what it held before, and tells.
func (w *world) compare(ctx context.Context, before []usage, c *curve) error {
	deadline := time.Now().Add(returnWithin)
	for {
		after, err := w.usages(ctx)
		if err != nil {
			return err
		}
		leaks := leaked(before, after)
		if leaks == nil || time.Now().After(deadline) {
			for i := range after {
				say("worker%d: goroutines %d → %d, descriptors %d → %d, heap %.2f → %.2f MiB, slope %+.2f MiB/h", i,
					before[i].goroutines, after[i].goroutines, before[i].descriptors, after[i].descriptors,
					before[i].heap/(1<<20), after[i].heap/(1<<20), c.slope(i)*3600/(1<<20))
			}
			say("%d receipts were confirmed", w.ledger.Confirmed())
			return leaks
		}
		if err := sleep.For(ctx, 2*time.Second); err != nil {
			return err
		}
	}
}

// leaked says what is held that was not before.
func leaked(before, after []usage) error {
	var errs []error
	tell := func(i int, what string, was, is float64) {
		errs = append(errs, fmt.Errorf("%w: worker%d holds %.0f %s, and held %.0f before", errFailed, i, is, what, was))
	}
	for i, b := range before {
		a := after[i]
		if a.goroutines > b.goroutines+tolerance {
			tell(i, "goroutines", float64(b.goroutines), float64(a.goroutines))
		}
		if a.descriptors > b.descriptors+tolerance {
			tell(i, "descriptors", float64(b.descriptors), float64(a.descriptors))
		}
		if a.heap > b.heap+heapRoom {
			tell(i, "bytes of heap", b.heap, a.heap)
		}
	}
	return errors.Join(errs...)
}

// usages asks every worker.
func (w *world) usages(ctx context.Context) ([]usage, error) {
	var all []usage
	for _, s := range w.workers {
		base := strings.TrimSuffix(s.ready, "/readyz")
		if _, err := call(ctx, http.MethodGet, base+"/debug/pprof/heap?gc=1", ""); err != nil { // what is not collected is no leak
			return nil, err
		}
		text, err := call(ctx, http.MethodGet, base+"/metrics", "")
		if err != nil {
			return nil, err
		}
		all = append(all, readUsage(text))
	}
	return all, nil
}

// readUsage reads the metrics of a process.
func readUsage(metrics []byte) usage {
	values := make(map[string]float64)
	for lines := bufio.NewScanner(bytes.NewReader(metrics)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			values[name], _ = strconv.ParseFloat(value, 64) // comments are no numbers
		}
	}
	return usage{
		goroutines: int(values["go_goroutines"]), descriptors: int(values["process_open_fds"]),
		heap: values["go_memstats_heap_alloc_bytes"],
	}
}

// curve is the heap of each worker over time.
type curve struct {
	began time.Time
	at    []float64   // seconds
	heap  [][]float64 // by worker
}

func newCurve(workers int) *curve { return &curve{began: time.Now(), heap: make([][]float64, workers)} }

// draw samples until ctx ends. A sample that fails is left out: a worker may be busy
// with a fault.
func (c *curve) draw(ctx context.Context, w *world, every time.Duration) {
	for sleep.For(ctx, every) == nil {
		all, err := w.usages(ctx)
		if err != nil {
			continue
		}
		c.at = append(c.at, time.Since(c.began).Seconds())
		for i, u := range all {
			c.heap[i] = append(c.heap[i], u.heap)
		}
	}
}

// slope is the least-squares line through the second half of a worker's curve, in
// bytes per second: the first half fills caches.
func (c *curve) slope(worker int) float64 {
	half := len(c.at) / 2
	return slope(c.at[half:], c.heap[worker][half:])
}

func slope(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	if d := n*sxx - sx*sx; d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}
