package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// errFailed ends a run in which something was lost, unexpected, or out of bounds.
var errFailed = errors.New("a promise was broken")

// run does what the options say.
func (o options) run(ctx context.Context) error {
	if o.docs != "" {
		return writeDocs(reliabilityDoc, o.docs)
	}
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	for o.seed == 0 {
		o.seed = uint64(rand.Uint32()) //nolint:gosec // a schedule is no secret
	}
	if o.list {
		o.show(chosen)
		return nil
	}
	dir, remove, err := o.directory()
	if err != nil {
		return err
	}
	defer remove()
	r := &runner{seed: o.seed, scale: o.scale(), transport: o.transport, dir: dir, ports: newPorts(), verbose: o.verbose, say: say}
	if err := r.build(ctx, dir, chosen); err != nil {
		return err
	}
	if o.soak {
		return r.soak(ctx, cmp.Or(o.duration, 30*time.Minute))
	}
	return o.rounds(ctx, r, chosen)
}

// say tells a person what goes on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (o options) scale() scale {
	if o.long {
		return long()
	}
	return quick()
}

// chosen are the scenarios to run.
func (o options) chosen() ([]scenario, error) {
	all := scenarios()
	if o.scenarios == "" {
		return all, nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(o.scenarios, ",") {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: there is no scenario %q; -list shows them", errUsage, name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// show prints scenarios with their schedules.
func (o options) show(chosen []scenario) {
	fmt.Printf("seed %d\n", o.seed)
	for _, s := range chosen {
		fmt.Printf("\n%s: %s (%s)\n", s.name, s.what, strings.Join(s.tests, ", "))
		for _, step := range s.plan(seededPlanner(o.seed, s.name, o.scale())) {
			_, why := s.shape.allowance(step)
			fmt.Printf("  %s; duplicates: %s\n", step, why)
		}
	}
}

// directory is where everything is kept, and how it is taken away.
func (o options) directory() (dir string, remove func(), err error) {
	if o.keep != "" {
		if err := os.MkdirAll(o.keep, 0o700); err != nil {
			return "", nil, fmt.Errorf("make the directory of -keep: %w", err)
		}
		return o.keep, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "pushworker-chaos-")
	if err != nil {
		return "", nil, fmt.Errorf("make a directory: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// build builds what the chosen scenarios need.
func (r *runner) build(ctx context.Context, dir string, chosen []scenario) error {
	r.programs = make(map[bool]programs)
	for _, s := range chosen {
		if _, built := r.programs[s.shape.clock]; built {
			continue
		}
		p, err := build(ctx, dir, s.shape.clock)
		if errors.Is(err, errNoClock) {
			say("clock: %v", err)
			p, err = programs{}, nil
		}
		if err != nil {
			return err
		}
		r.programs[s.shape.clock] = p
	}
	return nil
}

// rounds runs the chosen scenarios, with -long until the time is over, each round
// with the next seed.
func (o options) rounds(ctx context.Context, r *runner, chosen []scenario) error {
	var end time.Time
	if o.long {
		end = time.Now().Add(cmp.Or(o.duration, 2*time.Hour))
	}
	failed := 0
	for {
		say("seed %d", r.seed)
		results := o.round(ctx, r, chosen)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted: %w", ctx.Err())
		}
		failed += count(results, func(r result) bool { return !r.passed() })
		if err := o.tableOf(results); err != nil {
			return err
		}
		if !time.Now().Before(end) {
			break
		}
		r.seed++
	}
	if failed > 0 {
		return fmt.Errorf("%w in %d scenarios; run them again with -seed and -scenario, and with -v -keep DIR to see what happened", errFailed, failed)
	}
	return nil
}

func count(results []result, is func(result) bool) (n int) {
	for _, r := range results {
		if is(r) {
			n++
		}
	}
	return n
}

// tableOf prints a round, unless its results were printed one by one.
func (o options) tableOf(results []result) error {
	if o.output != "table" {
		return nil
	}
	return writeTable(os.Stdout, results)
}

// round runs each scenario once, some beside each other, and returns the results
// in the order of the scenarios.
func (o options) round(ctx context.Context, r *runner, chosen []scenario) []result {
	results := make([]result, len(chosen))
	turns := make(chan struct{}, o.parallel) // one for each that runs
	var running sync.WaitGroup
	var printing sync.Mutex
	for i, s := range chosen {
		turns <- struct{}{}
		running.Go(func() {
			defer func() { <-turns }()
			res := r.run(ctx, s)
			res.Long = o.long
			results[i] = res
			printing.Lock()
			defer printing.Unlock()
			o.told(res)
		})
	}
	running.Wait()
	return results
}

// told tells of one result at once.
func (o options) told(r result) {
	verdict := "ok"
	if r.NotRun != "" {
		verdict = "not run"
	} else if !r.passed() {
		verdict = "FAILED: " + strings.Join(r.Failures, "; ")
	}
	say("%-16s %5.1fs  %d acked, %d lost, %d duplicates: %s", r.Scenario, r.Seconds, r.Total.Acked, r.Total.Lost, r.Total.Duplicated, verdict)
	if o.output == "jsonl" {
		if err := writeLine(os.Stdout, r); err != nil {
			say("%v", err)
		}
	}
}
