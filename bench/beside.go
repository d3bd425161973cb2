package main

import (
	"context"
	"errors"
	"time"
)

// runBeside runs one lane at half load beside other lanes of the same process: all
// of them idle, one with a provider that is down, one whose handler takes nothing.
func runBeside(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		lane, err := w.neighbours(ctx)
		if err != nil {
			return err
		}
		for round := range p.rounds {
			for _, neighbour := range []string{"", downLane, stuckLane} {
				if err := w.beside(ctx, p, lane, neighbour, round+1, results); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// neighbours starts the worker, whose lanes all rest.
func (w *world) neighbours(ctx context.Context) (*row, error) {
	_, registered := w.register(ctx, 0, mainUsers)
	up, err := w.fake(ctx, fakeOptions{Kind: fcmLane})
	down, failed := w.fake(ctx, fakeOptions{Kind: fcmLane, Down: true})
	if err := errors.Join(registered, err, failed); err != nil {
		return nil, err
	}
	worker, err := w.worker(ctx, fcmHandler(fcmLane, up, atOnce), fcmHandler(downLane, down, atOnce), `{"name":"stuck"}`)
	if err != nil {
		return nil, err
	}
	for _, neighbour := range []string{downLane, stuckLane} {
		if err := errors.Join(w.queue.pulled(ctx, neighbour), w.rest(ctx, neighbour)); err != nil {
			return nil, err
		}
	}
	return w.add(ctx, &row{name: "lane", durable: fcmLane, workers: []*process{worker}, meter: up, fake: up})
}

// beside measures the lane beside one neighbour, or beside none. In the second
// before, which does not count, the neighbour meets what is wrong.
func (w *world) beside(ctx context.Context, p plan, lane *row, neighbour string, round int, results *log) error {
	about := record{Group: "beside", Row: "alone", Round: round}
	if neighbour != "" {
		about.Row = "beside " + neighbour
		if err := w.wake(ctx, neighbour); err != nil {
			return err
		}
	}
	c := traffic{users: mainUsers, recipients: 1}
	_, err := w.measure(ctx, lane, load{traffic: c, n: p.half, rate: p.half})
	if err == nil {
		seconds := max(1, p.paced/p.rate)
		err = w.note(ctx, lane, load{traffic: c, n: p.half * seconds, rate: p.half}, results, about)
	}
	if err == nil && neighbour != "" {
		err = w.rest(ctx, neighbour)
	}
	return errors.Join(err, w.queue.purge(ctx))
}

// rest pauses a neighbour, its retries too; wake is the opposite.
func (w *world) rest(ctx context.Context, neighbour string) error {
	until := time.Now().Add(24 * time.Hour)
	return errors.Join(w.queue.pauseUntil(ctx, neighbour, w.queue.name, until),
		w.queue.pauseUntil(ctx, neighbour, w.queue.name+"_RETRY", until))
}

func (w *world) wake(ctx context.Context, neighbour string) error {
	at := time.Now().Add(wakeTime)
	return errors.Join(w.queue.pauseUntil(ctx, neighbour, w.queue.name, at),
		w.queue.pauseUntil(ctx, neighbour, w.queue.name+"_RETRY", at))
}
