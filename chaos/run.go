package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/ledger"
)

// runner runs scenarios.
type runner struct {
	seed      uint64
	transport string // of the fcm handler
	scale     scale
	dir       string
	programs  map[bool]programs // with a movable clock, and without
	ports     *ports
	verbose   bool
	say       func(string, ...any)
}

// result is what became of a scenario. It is a line of -o jsonl.
type result struct {
	Scenario string `json:"scenario"`
	What     string `json:"what"`
	Seed     uint64 `json:"seed"`
	Long     bool   `json:"long,omitempty"`
	// Transport is that of the handler fcm; empty with other providers.
	Transport string `json:"transport,omitempty"`
	// NotRun says why the scenario could not be run here.
	NotRun string        `json:"not_run,omitempty"`
	Faults map[fault]int `json:"faults,omitempty"`
	// Restarts are of workers that ended by themselves while a cluster had no leader.
	Restarts int            `json:"restarts,omitempty"`
	Links    string         `json:"links,omitempty"`
	Total    ledger.Verdict `json:"total"`
	// Lanes are the verdicts that Total is the sum of.
	Lanes map[string]ledger.Verdict `json:"lanes,omitempty"`
	// Doubt is about pushes whose answers were lost.
	Doubt doubt `json:"doubt"`
	// Bound is how many duplicates the faults may cause.
	Bound int `json:"bound"`
	// Settled is how long after the load the last receipt was settled, in seconds.
	Settled float64 `json:"settled_seconds"`
	Seconds float64 `json:"seconds"`
	// Failures are what must not be; without any the scenario is passed.
	Failures []string `json:"failures,omitempty"`
}

func (r *result) fail(err error) {
	if err != nil {
		r.Failures = append(r.Failures, err.Error())
	}
}

// run runs one scenario.
func (r *runner) run(ctx context.Context, s scenario) (res result) {
	began := time.Now()
	res = result{Scenario: s.name, What: s.what, Seed: r.seed}
	defer func() { res.Seconds = time.Since(began).Seconds() }()
	if s.shape.provider == "fcm" {
		res.Transport = r.transport
	}
	w := &world{shape: s.shape, scale: r.scale, transport: r.transport, programs: r.programs[s.shape.clock], ports: r.ports, dir: filepath.Join(r.dir, s.name)}
	if w.programs.worker == "" {
		res.NotRun = errNoClock.Error()
		return res
	}
	defer w.close()
	// What -keep has left of another run would come again as a surprise.
	if err := errors.Join(os.RemoveAll(w.dir), os.MkdirAll(w.dir, 0o700)); err != nil {
		res.fail(fmt.Errorf("make a directory: %w", err))
		return res
	}
	if err := w.open(ctx); err != nil {
		if errors.Is(err, errNotRoot) {
			res.NotRun = err.Error()
			return res
		}
		res.fail(fmt.Errorf("set the system up: %w", err))
		return res
	}
	if w.net != nil {
		res.Links = w.net.How()
	}
	r.experiment(ctx, s, w, &res)
	return res
}

// experiment publishes, does the faults, waits for the end, and judges.
func (r *runner) experiment(ctx context.Context, s scenario, w *world, res *result) {
	f := &faults{world: w, say: func(format string, args ...any) {
		if r.verbose {
			r.say("%-16s "+format, append([]any{s.name}, args...)...)
		}
	}}
	over := make(chan struct{})
	load := make(chan error, 1)
	go func() { load <- w.publish(ctx, r.scale.load, over) }()
	f.run(ctx, s.plan(seededPlanner(r.seed, s.name, r.scale)))
	close(over)
	res.fail(<-load)
	ended := time.Now()
	res.fail(errors.Join(f.errs...))
	res.fail(w.settled(ctx, r.scale.settle))
	res.Settled = time.Since(ended).Seconds()
	res.fail(w.resumed(ctx))
	letters, err := w.letters(ctx)
	res.fail(err)
	res.fail(w.stop(ctx))
	res.Restarts = int(w.restarts.Load())
	res.Faults = make(map[fault]int)
	for _, done := range f.done {
		res.Faults[done.do]++
	}
	res.Bound = s.shape.bound(f.done)
	res.fail(w.judge(res, letters))
	res.Doubt, err = w.doubted(ctx)
	res.fail(err)
	res.fail(w.pace(f.done, f.began))
}

// stop tells the workers to stop, which they do with 0.
func (w *world) stop(ctx context.Context) error {
	var errs []error
	w.unsupervised()
	w.supervision.Wait()
	if crash := w.crashes.Load(); crash != nil {
		errs = append(errs, *crash)
	}
	for _, s := range w.workers {
		if err := s.await(ctx); err != nil { // before it is ready it may not have heard of signals
			errs = append(errs, err)
			continue
		}
		p := s.holder()
		code, err := p.Terminate(stopWithin)
		if err == nil && code != 0 {
			err = fmt.Errorf("%s ended with %d, want 0; it said: %s", s.name, code, p.Said())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// judge fills in the verdicts.
func (w *world) judge(res *result, letters map[string]map[int]int) error {
	printed, err := w.printed()
	pushed, _, err2 := w.pushed()
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	res.Lanes = map[string]ledger.Verdict{
		"stdout":   w.ledger.Check(ledger.Evidence{Arrivals: printed, Letters: letters["stdout"]}),
		w.provider: w.ledger.Check(ledger.Evidence{Arrivals: pushed, Letters: letters[w.provider]}),
	}
	t := &res.Total
	for _, lane := range slices.Sorted(maps.Keys(res.Lanes)) {
		v := res.Lanes[lane]
		t.Sent, t.Acked, t.OK, t.Lost = t.Sent+v.Sent, t.Acked+v.Acked, t.OK+v.OK, t.Lost+v.Lost
		t.Unexpected, t.Duplicated, t.Recovered = t.Unexpected+v.Unexpected, t.Duplicated+v.Duplicated, t.Recovered+v.Recovered
		t.Dead, t.Most = t.Dead+v.Dead, max(t.Most, v.Most)
		if v.Lost > 0 {
			res.fail(fmt.Errorf("lane %s has lost %d receipts, the first being %v", lane, v.Lost, v.Missing))
		}
	}
	if t.Unexpected > 0 {
		res.fail(fmt.Errorf("%d arrivals are unexpected", t.Unexpected))
	}
	if t.Duplicated > res.Bound {
		res.fail(fmt.Errorf("%d duplicates, at most %d are allowed", t.Duplicated, res.Bound))
	}
	if t.Dead > w.maxDead {
		res.fail(fmt.Errorf("%d receipts are dead letters, at most %d may be", t.Dead, w.maxDead))
	}
	if t.Acked == 0 {
		res.fail(errors.New("nothing was published: it proves nothing"))
	}
	return nil
}

// noticed is how long after the load began workers have noticed an outage that
// began at: after 20 failures in a row, and what was in flight.
func noticed(at time.Duration) time.Duration { return at + time.Second }

// pace checks that workers leave a provider alone that is down: where the shape
// says so, each makes a call a second at most once it has noticed.
func (w *world) pace(done []step, began time.Time) error {
	if w.maxCalls == 0 {
		return nil
	}
	_, calls, err := w.pushed()
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range done {
		from, to := began.Add(noticed(s.at)), began.Add(s.at+s.long)
		n := 0
		for _, at := range calls {
			if at.After(from) && at.Before(to) {
				n++
			}
		}
		most := w.maxCalls * w.shape.workers * (int(max(0, to.Sub(from)).Seconds()) + 2)
		if n > most {
			errs = append(errs, fmt.Errorf("%d calls while the provider was down, at most %d should be", n, most))
		}
	}
	return errors.Join(errs...)
}

// passed reports whether nothing went wrong.
func (r *result) passed() bool { return len(r.Failures) == 0 }

// counts is the faults that were done, as text.
func (r *result) counts() string {
	var all []string
	for _, f := range slices.Sorted(maps.Keys(r.Faults)) {
		all = append(all, fmt.Sprintf("%d× %s", r.Faults[f], f))
	}
	if r.Restarts > 0 {
		all = append(all, fmt.Sprintf("%d workers started again by their supervisor", r.Restarts))
	}
	return strings.Join(all, ", ")
}
