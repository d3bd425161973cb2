package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/sleep"
)

// tightLimit is how much a stream holds that is to fill up within a second. A receipt
// may be as large.
const tightLimit = 64 << 10

// The scripts that make more retries, and more letters, than find room.
const (
	scriptRetries = `{"rules":[{"probability":0.5,"answer":"quota-device","retry_after":"1-3"}]}`
	scriptNearly  = `{"rules":[{"probability":0.97,"answer":"quota-device","retry_after":"1-2"}]}`
	scriptLetters = `{"rules":[{"probability":0.25,"answer":"invalid-argument"}]}`
)

// storeScenarios are about the streams that a lane writes to before it acknowledges.
func storeScenarios() []scenario {
	s := usual(2).with(func(s *shape) { s.tight = true })
	fill := func(do fault, script string) func(p *planner) []step {
		return func(p *planner) []step {
			return []step{p.once(step{do: do, name: "from refusals of the provider", how: script}, p.scale.outage)}
		}
	}
	return []scenario{
		{"retry-full", "the stream of retries is full, and drains again", []string{"T18"}, s, fill(fillRetries, scriptRetries)},
		{
			"dead-full", "the stream of dead letters is full, until somebody raises its limit",
			[]string{"T16"},
			s.with(func(s *shape) { s.maxDead = 2000 }), fill(fillLetters, scriptLetters),
		},
		{
			"oversized", "retries are larger than the broker stores",
			[]string{"T14"},
			usual(2).with(func(s *shape) { s.payload, s.many, s.rate = 3600, 70, 60 }),
			func(p *planner) []step {
				return []step{p.once(step{do: scriptFake, name: "refuses nearly all devices", how: scriptNearly}, p.scale.outage)}
			},
		},
	}
}

// limits are those of the streams.
func (w *world) limits() topology.Topology {
	t := w.streams()
	t.Replicas, t.History, t.DeadMaxAge, t.AckWait = w.replicas(), 72*time.Hour, 30*24*time.Hour, w.scale.ackWait
	t.MaxBytes, t.DeadMaxBytes, t.RetryMaxBytes = cmp.Or(w.maxBytes, 24<<20), 8<<20, 16<<20
	if w.tight {
		t.DeadMaxBytes, t.RetryMaxBytes = tightLimit, tightLimit
	}
	return t
}

// fillStream fills one of the streams that a lane writes to, and gives room again.
func (f *faults) fillStream(ctx context.Context, s step) error {
	if s.do == fillRetries {
		return f.overfill(ctx, s, "retries cannot be stored")
	}
	return errors.Join(f.overfill(ctx, s, "dead letters cannot be stored"), f.loosen(ctx))
}

// overfill follows the script of a step, until a stream is full and stays so for the
// length of the step. Workers must say so.
func (f *faults) overfill(ctx context.Context, s step, says string) error {
	if err := f.fakeCall(ctx, "script", s.how); err != nil {
		return err
	}
	silent := fmt.Errorf("within %v no worker said that %s", s.long, says)
	for end := time.Now().Add(s.long); time.Now().Before(end); {
		for _, w := range f.workers {
			_, err := call(ctx, http.MethodGet, w.url()+"?verbose", "")
			if err != nil && strings.Contains(err.Error(), says) {
				silent = nil
			}
		}
		if err := sleep.For(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.Join(silent, f.fakeCall(ctx, "script", noRules))
}

// loosen raises the limit of dead letters.
func (f *faults) loosen(ctx context.Context) error {
	t := f.limits()
	t.DeadMaxBytes = 8 << 20
	if _, err := topology.Provision(ctx, f.conn, t); err != nil {
		return fmt.Errorf("raise the limit of dead letters: %w", err)
	}
	return nil
}
