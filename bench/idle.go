package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/sleep"
)

// settleTime is what belongs to a worker's start, idleTime how long it is then watched:
// all that it does from time to time happens in it.
const settleTime, idleTime = 20 * time.Second, 60 * time.Second

// runIdle watches a worker with three lanes to which nothing comes.
func runIdle(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		up, err := w.fake(ctx, fakeOptions{Kind: fcmLane})
		if err != nil {
			return err
		}
		worker, err := w.worker(ctx, fcmHandler(fcmLane, up, ""), `{"name":"null"}`, `{"name":"stuck"}`)
		if err != nil {
			return err
		}
		r, err := w.add(ctx, &row{name: "lane", durable: nullLane, workers: []*process{worker}, meter: worker})
		if err != nil {
			return err
		}
		return w.idleRounds(ctx, r, p.rounds, results)
	})
}

func (w *world) idleRounds(ctx context.Context, r *row, rounds int, results *log) error {
	if err := sleep.For(ctx, settleTime); err != nil {
		return fmt.Errorf("wait for the start to be over: %w", err)
	}
	for round := range rounds {
		if err := w.watchIdle(ctx, r, round+1, results); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) watchIdle(ctx context.Context, r *row, round int, results *log) error {
	before, err := w.usage(r)
	if err != nil {
		return err
	}
	if err := sleep.For(ctx, idleTime); err != nil {
		return fmt.Errorf("watch a worker: %w", err)
	}
	after, err := w.usage(r)
	if err != nil {
		return err
	}
	percent := func(d time.Duration) float64 { return 100 * d.Seconds() / idleTime.Seconds() }
	return results.add(record{
		Group: "idle", Row: "3 lanes", Round: round, RSS: float64(after.rss) / (1 << 20),
		Idle: percent(after.worker - before.worker), BrokerIdle: percent(after.broker - before.broker),
	})
}

func writeIdle(b *strings.Builder, rows []record) {
	b.WriteString("A worker with three lanes to which nothing comes, and its broker, for a minute a round. Cells are min / **median** / max of the rounds.\n\n")
	write(b, rows, []column{
		{"worker, % of a core", "%.2f", func(r record) float64 { return r.Idle }},
		{"broker, % of a core", "%.2f", func(r record) float64 { return r.BrokerIdle }},
		rssColumn(),
	})
}
