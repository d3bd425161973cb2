package main

import (
	"context"
	"errors"
	"time"
)

// growthLatency is such that what bounds a worker is its requests in flight, and
// not the machine.
const growthLatency = 200 * time.Millisecond

// runGrowth adds worker processes that share the lane's durable.
func runGrowth(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		_, registered := w.register(ctx, 0, mainUsers)
		lane, err := w.fcmRow(ctx)
		if err := errors.Join(registered, err, w.setLatency(growthLatency)); err != nil {
			return err
		}
		for _, workers := range []int{1, 2, 4} {
			if err := w.grow(ctx, lane, workers); err != nil {
				return err
			}
			about := record{Group: "growth", Row: plural(workers, "worker"), Latency: ms(growthLatency), Size: workers}
			if err := w.drain(ctx, lane, 1, p.pushes, results, about); err != nil {
				return err
			}
		}
		return nil
	})
}

// grow starts workers until the row has so many.
func (w *world) grow(ctx context.Context, lane *row, workers int) error {
	for len(lane.workers) < workers {
		more, err := w.worker(ctx, fcmHandler(fcmLane, lane.fake, atOnce))
		if err != nil {
			return err
		}
		lane.workers = append(lane.workers, more)
	}
	return nil
}

// drain has a row drain so many pushes in receipts of so many recipients.
func (w *world) drain(ctx context.Context, r *row, recipients, pushes int, results *log, about record) error {
	c := traffic{users: mainUsers, recipients: recipients}
	n := pushes / recipients
	return errors.Join(w.refill(ctx, c, n), w.note(ctx, r, load{traffic: c, n: n}, results, about))
}

// runRecipients has the same number of pushes in fewer and larger receipts.
func runRecipients(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		_, registered := w.register(ctx, 0, mainUsers)
		lane, err := w.fcmRow(ctx)
		if err := errors.Join(registered, err); err != nil {
			return err
		}
		for _, recipients := range []int{1, 10, 100, 1000} {
			about := record{Group: "recipients", Row: plural(recipients, "recipient"), Size: recipients}
			if err := w.drain(ctx, lane, recipients, p.pushes, results, about); err != nil {
				return err
			}
		}
		return nil
	})
}

// runBacklog drains ever larger backlogs, with -full through FCM, too.
func runBacklog(ctx context.Context, p plan, results *log) error {
	err := withWorld(ctx, func(w *world) error {
		lane, err := w.nullRow(ctx)
		if err != nil {
			return err
		}
		return w.backlogs(ctx, lane, "", results)
	})
	if err != nil || !p.full {
		return err
	}
	return withWorld(ctx, func(w *world) error {
		_, registered := w.register(ctx, 0, mainUsers)
		lane, err := w.fcmRow(ctx)
		if err := errors.Join(registered, err); err != nil {
			return err
		}
		return w.backlogs(ctx, lane, "FCM, ", results)
	})
}

func (w *world) backlogs(ctx context.Context, lane *row, name string, results *log) error {
	for _, size := range []int{10_000, 100_000, 1_000_000} {
		about := record{Group: "backlog", Row: name + count(size), Size: size}
		if err := w.drain(ctx, lane, 1, size, results, about); err != nil {
			return err
		}
	}
	return nil
}
