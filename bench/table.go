package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// machine is a broker in its own process, and a publisher.
type machine struct {
	url string
	pub *publisher
	seq int
}

func (p plan) run(ctx context.Context) error {
	m, stop, err := boot(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := p.drains(ctx, m); err != nil {
		return err
	}
	if err := p.latencies(ctx, m); err != nil {
		return err
	}
	return p.memory(ctx, m)
}

// boot starts the broker's process with a store of its own.
func boot(ctx context.Context) (m *machine, stop func(), err error) {
	dir, err := os.MkdirTemp("", "pushworker-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a directory for the broker: %w", err)
	}
	cmd, err := self(ctx, "broker", filepath.Join(dir, "store"))
	if err != nil {
		return nil, nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the broker: %w", err)
	}
	stop = func() {
		_ = in.Close()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("read the broker's address: %w", err)
	}
	m = &machine{url: strings.TrimSpace(url)}
	if m.pub, err = newPublisher(ctx, m.url); err != nil {
		stop()
		return nil, nil, err
	}
	return m, stop, nil
}

// drains compares how fast, and with how much CPU, a backlog is handled.
func (p plan) drains(ctx context.Context, m *machine) error {
	fmt.Printf("Drain: %d receipts of about 500 bytes, one recipient, broker in a process of its own\n", p.receipts)
	fmt.Printf("%6s %14s %14s %8s %12s %12s %8s\n", "round", "bare loop /s", "lane /s", "ratio", "bare µs", "lane µs", "ratio")
	if err := m.pub.fill(ctx, p.receipts); err != nil {
		return err
	}
	var rates, costs []float64
	for round := range p.rounds {
		bare, err := m.measure(ctx, "bare", p.receipts, nil)
		if err != nil {
			return err
		}
		lane, err := m.measure(ctx, "lane", p.receipts, nil)
		if err != nil {
			return err
		}
		rates = append(rates, lane.rate()/bare.rate())
		costs = append(costs, lane.cpu()/bare.cpu())
		fmt.Printf("%6d %14.0f %14.0f %8.2f %12.1f %12.1f %8.2f\n", round+1,
			bare.rate(), lane.rate(), rates[round], bare.cpu(), lane.cpu(), costs[round])
	}
	fmt.Printf("%6s %14s %14s %8.2f %12s %12s %8.2f\n\n", "median", "", "", median(rates), "", "", median(costs))
	return m.pub.purge(ctx)
}

// latencies compares publish to handler at a fixed rate; the last row has a second
// lane whose handler is stuck.
func (p plan) latencies(ctx context.Context, m *machine) error {
	roles := []string{"bare", "lane", "lane+stuck"}
	fmt.Printf("Latency: %d receipts at %d/s, publish to handler, ms\n", p.paced, p.rate)
	fmt.Printf("%6s", "round")
	for _, role := range roles {
		fmt.Printf(" %22s", role+" p50 / p99")
	}
	fmt.Println()
	p99 := map[string][]float64{}
	for round := range p.rounds {
		fmt.Printf("%6d", round+1)
		for _, role := range roles {
			if err := m.pub.purge(ctx); err != nil {
				return err
			}
			r, err := m.measure(ctx, role, p.paced, func() error { return m.pub.pace(ctx, p.paced, p.rate) })
			if err != nil {
				return err
			}
			p99[role] = append(p99[role], ms(r.P99))
			fmt.Printf(" %14.2f / %5.2f", ms(r.P50), ms(r.P99))
		}
		fmt.Println()
	}
	fmt.Printf("p99, median of the rounds: lane is the loop's %+.2f ms; beside a stuck lane %.2f times the lane's\n\n",
		median(p99["lane"])-median(p99["bare"]), median(p99["lane+stuck"])/median(p99["lane"]))
	return m.pub.purge(ctx)
}

// memory drains a large backlog with one lane.
func (p plan) memory(ctx context.Context, m *machine) error {
	if p.backlog == 0 {
		return nil
	}
	fmt.Printf("Memory: a backlog of %d receipts\n", p.backlog)
	if err := m.pub.fill(ctx, p.backlog); err != nil {
		return err
	}
	r, err := m.measure(ctx, "lane", p.backlog, nil)
	if err != nil {
		return err
	}
	fmt.Printf("drained at %.0f/s, peak resident size of the worker %d MiB\n", r.rate(), r.PeakRSS>>20)
	return nil
}

// measure runs one child; feed, if any, publishes once the child is ready.
func (m *machine) measure(ctx context.Context, role string, n int, feed func() error) (result, error) {
	m.seq++
	cmd, err := self(ctx, role, m.url, role[:4]+strconv.Itoa(m.seq), strconv.Itoa(n))
	if err != nil {
		return result{}, err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return result{}, err
	}
	if err := cmd.Start(); err != nil {
		return result{}, fmt.Errorf("start %s: %w", role, err)
	}
	said := bufio.NewReader(stderr)
	if line, err := said.ReadString('\n'); err != nil || line != "ready\n" {
		rest, _ := io.ReadAll(said)
		_ = cmd.Wait()
		return result{}, fmt.Errorf("%s did not start: %s%s", role, line, rest)
	}
	if feed != nil {
		if err := feed(); err != nil {
			return result{}, err
		}
	}
	rest, _ := io.ReadAll(said)
	if err := cmd.Wait(); err != nil {
		return result{}, fmt.Errorf("%s: %w: %s", role, err, rest)
	}
	if err := m.pub.dismiss(ctx); err != nil {
		return result{}, err
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return result{}, fmt.Errorf("read the result of %s: %w", role, err)
	}
	return r, nil
}

// self is this program as a child.
func self(ctx context.Context, args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return exec.CommandContext(ctx, path, append([]string{"child"}, args...)...), nil //nolint:gosec // it is this program
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}
