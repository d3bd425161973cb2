package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"
)

// The rows of the group traces; the publisher records one receipt in a hundred.
const (
	tracesOff  = "lane"
	tracesSome = "lane, 1 % sampled"
	tracesAll  = "lane, all sampled"
)

// runTraces holds the FCM lane without traces against itself with them, and with -old
// against another build.
func runTraces(ctx context.Context, p plan, results *log) error {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // this measures workers, and no collector
	}))
	defer collector.Close()
	return withWorld(ctx, func(w *world) error {
		if _, err := w.register(ctx, 0, mainUsers); err != nil {
			return err
		}
		rows, err := w.tracedRows(ctx, p.old, collector.URL)
		if err != nil {
			return err
		}
		return w.tracedRounds(ctx, p, rows, results)
	})
}

func (w *world) tracedRounds(ctx context.Context, p plan, rows []*row, results *log) error {
	c := traffic{users: mainUsers, recipients: 1, traced: true}
	for round := range p.rounds {
		if err := w.refill(ctx, c, p.pushes); err != nil {
			return err
		}
		for _, r := range slices.Concat(rows[round%len(rows):], rows[:round%len(rows)]) {
			if err := w.note(ctx, r, load{traffic: c, n: p.pushes}, results, record{Group: "traces", Round: round + 1}); err != nil {
				return err
			}
		}
	}
	if err := w.profiles(ctx, p, rows, load{traffic: c, n: p.pushes}); err != nil {
		return err
	}
	return w.queue.purge(ctx)
}

func (w *world) tracedRows(ctx context.Context, old, collector string) (rows []*row, err error) {
	add := func(name, durable string) {
		r, failed := w.fcmRowAs(ctx, name, durable, unheld+atOnce)
		rows, err = append(rows, r), errors.Join(err, failed)
	}
	add(tracesOff, fcmLane)
	if w.build = old; old != "" {
		add(otherBuild, downLane) // which is a second FCM
	}
	w.build, w.traces = "", collector
	add(tracesSome, heldLane)
	w.sampler = "always_on"
	add(tracesAll, goLane)
	w.traces, w.sampler = "", ""
	if err != nil {
		return nil, err
	}
	return rows, warm(ctx, time.Second)
}

// setTraces sets the variables that the SDK reads itself, and returns them.
func (o workerOptions) setTraces() (environ []string, err error) {
	if o.Traces == "" {
		return nil, nil
	}
	for name, value := range map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": o.Traces, "OTEL_TRACES_SAMPLER": o.Sampler} {
		err = errors.Join(err, os.Setenv(name, value))
		environ = append(environ, name+"="+value)
	}
	return environ, err
}

func writeTraces(b *strings.Builder, rows []record) {
	b.WriteString("The FCM lane, whose receipts have a traceparent of which one in a hundred is recorded; the provider takes 0 ms. " +
		"Without an exporter, with one whose sampler asks the publisher (the default), and with one that records all.\n\n")
	write(b, rows, slices.Concat([]column{rateColumn()}, cpuColumns(), []column{rssColumn()}))
	b.WriteString("\n")
	for _, name := range names(rows) {
		if name != tracesOff {
			fmt.Fprintf(b, "CPU of %s to lane, median of the rounds: × **%.3f**.  \n", name, paired(rows, name, tracesOff, func(r record) float64 { return r.CPU }, ratio))
		}
	}
}
