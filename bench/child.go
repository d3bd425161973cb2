package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// result is what a child prints about its run.
type result struct {
	Receipts int           `json:"receipts"`
	Elapsed  time.Duration `json:"elapsed"`
	CPU      time.Duration `json:"cpu"` // of the child
	PeakRSS  int64         `json:"peak_rss"`
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
}

func (r result) rate() float64 { return float64(r.Receipts) / r.Elapsed.Seconds() }

// cpu is the CPU time per receipt in microseconds.
func (r result) cpu() float64 {
	return float64(r.CPU.Microseconds()) / float64(r.Receipts)
}

// child runs one measured process: its role, the broker's URL, the name of its
// durable and how many receipts to expect.
func child(ctx context.Context, role string, args []string) error {
	if role == "broker" {
		return serve(ctx, args)
	}
	if len(args) != 3 {
		return errors.New("usage: bench child ROLE URL NAME COUNT")
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("read the count: %w", err)
	}
	roles := map[string]func(context.Context, string, string, *meter) error{
		"bare": bareLoop, "lane": lane, "lane+stuck": laneBesideStuck,
	}
	work, ok := roles[role]
	if !ok {
		return fmt.Errorf("no role %q", role)
	}
	m := newMeter(n)
	if err := work(ctx, args[0], args[1], m); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m.result())
}

// meter counts receipts and keeps their latencies; done closes at the last.
type meter struct {
	want      int
	began     time.Time
	cpu       time.Duration
	latencies []time.Duration
	final     result
	done      chan struct{}
}

func newMeter(n int) *meter {
	return &meter{want: n, done: make(chan struct{}), latencies: make([]time.Duration, 0, n)}
}

// start begins the clock; call it when everything is connected.
func (m *meter) start() {
	fmt.Fprintln(os.Stderr, "ready")
	m.began, m.cpu = time.Now(), cpuTime()
}

// count notes one receipt that was published at sent. Not for concurrent use.
func (m *meter) count(sent time.Time) {
	if len(m.latencies) == m.want {
		return
	}
	m.latencies = append(m.latencies, time.Since(sent))
	if len(m.latencies) == m.want {
		m.final = result{Receipts: m.want, Elapsed: time.Since(m.began), CPU: cpuTime() - m.cpu}
		close(m.done)
	}
}

func (m *meter) result() result {
	slices.Sort(m.latencies)
	r := m.final
	r.PeakRSS = peakRSS()
	r.P50 = m.latencies[len(m.latencies)/2]
	r.P99 = m.latencies[len(m.latencies)*99/100]
	return r
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakRSS is the largest resident size in bytes.
func peakRSS() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss * 1024
}
