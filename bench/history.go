package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/history"
)

// perHour is the history that an hour leaves, at ten receipts a second.
const perHour = 36_000

// runHistory puts ever longer histories behind the lane: how long it takes to find
// the newest receipt, and how fast the lane drains what comes after.
func runHistory(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		for _, hours := range []int{0, 1, 72} {
			if err := w.behind(ctx, p, hours, results); err != nil {
				return err
			}
		}
		return nil
	})
}

// behind measures with a history of so many hours.
func (w *world) behind(ctx context.Context, p plan, hours int, results *log) error {
	c := traffic{users: mainUsers, recipients: 1}
	if err := w.refill(ctx, c, hours*perHour); err != nil {
		return err
	}
	find, err := w.findNewest(ctx)
	if err != nil {
		return err
	}
	got, err := w.drainBehind(ctx, c, p.receipts)
	if err != nil {
		return err
	}
	got.Group, got.Row, got.Size, got.Find = "history", fmt.Sprintf("%d h", hours), hours*perHour, ms(find)
	return results.add(got)
}

// drainBehind starts a worker whose durable begins after what there is, and has it
// drain n receipts.
func (w *world) drainBehind(ctx context.Context, c traffic, n int) (record, error) {
	config := durableConfig(nullLane)
	config.DeliverPolicy = jetstream.DeliverNewPolicy
	if _, err := w.queue.js.CreateConsumer(ctx, w.queue.name, config); err != nil {
		return record{}, fmt.Errorf("create the durable: %w", err)
	}
	lane, err := w.nullRow(ctx)
	if err != nil {
		return record{}, err
	}
	if err := w.queue.fill(ctx, c, n); err != nil {
		return record{}, err
	}
	got, err := w.measure(ctx, lane, load{traffic: c, n: n})
	if err != nil {
		return record{}, err
	}
	lane.workers[0].stop()
	lane.workers, w.rows = nil, nil
	if err := w.queue.js.DeleteConsumer(ctx, w.queue.name, nullLane); err != nil {
		return record{}, fmt.Errorf("delete the durable: %w", err)
	}
	return got, nil
}

// findNewest reads what was published in the last moment of the history, as replay
// and explain do, and says how long that took; 0 when there is nothing.
func (w *world) findNewest(ctx context.Context) (time.Duration, error) {
	st, err := w.queue.js.Stream(ctx, w.queue.name)
	if err != nil {
		return 0, fmt.Errorf("find the stream: %w", err)
	}
	last := st.CachedInfo().State.LastTime
	if st.CachedInfo().State.Msgs == 0 {
		return 0, nil
	}
	began := time.Now()
	for _, err := range history.New(w.queue.conn, w.queue.name).Read(ctx, history.Stretch{Since: last}) {
		if err != nil {
			return 0, fmt.Errorf("read the newest receipt: %w", err)
		}
	}
	return time.Since(began), nil
}
