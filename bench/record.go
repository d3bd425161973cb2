package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// record is one line of the results: a row of a round, or the machine.
type record struct {
	Group string `json:"group"`
	Row   string `json:"row"`
	Round int    `json:"round,omitempty"`

	// What was asked of the row.
	Receipts   int     `json:"receipts,omitempty"`
	Pushes     int     `json:"pushes,omitempty"`
	Recipients int     `json:"recipients,omitempty"` // of each receipt
	Paced      int     `json:"paced,omitempty"`      // receipts per second; 0 for a drain
	Workers    int     `json:"workers,omitempty"`
	Latency    float64 `json:"latency_ms,omitempty"` // the provider's
	Size       int     `json:"size,omitempty"`       // of a backlog, a history, a directory

	// What came of it.
	Rate      float64 `json:"rate,omitempty"`   // pushes per second
	Stored    float64 `json:"stored,omitempty"` // receipts per second that the broker has confirmed
	CPU       float64 `json:"cpu_us,omitempty"` // of the worker or loop, per push
	BrokerCPU float64 `json:"broker_cpu_us,omitempty"`
	FakeCPU   float64 `json:"fake_cpu_us,omitempty"`
	P50       float64 `json:"p50_ms,omitempty"` // publish to accepted, or to handled
	P99       float64 `json:"p99_ms,omitempty"`
	P999      float64 `json:"p999_ms,omitempty"`
	RSS       float64 `json:"rss_mib,omitempty"` // peak, of the largest worker
	BrokerRSS float64 `json:"broker_rss_mib,omitempty"`
	Open      int64   `json:"connections,omitempty"`
	Streams   int64   `json:"streams,omitempty"` // the most on one connection
	Failed    int64   `json:"failed,omitempty"`
	Twice     int64   `json:"twice,omitempty"`
	Find      float64 `json:"find_ms,omitempty"`      // to read the newest receipt of a history
	Register  float64 `json:"register_s,omitempty"`   // devices per second
	Idle      float64 `json:"idle_percent,omitempty"` // of a core, of a worker that rests
	// BrokerIdle is that of its broker.
	BrokerIdle float64 `json:"broker_idle_percent,omitempty"`
	Note       string  `json:"note,omitempty"` // of the machine
}

// thisMachine says where the results are from.
func thisMachine() record {
	note := fmt.Sprintf("%s; %d × %s, %s memory, %s/%s %s; %s, nats-server %s",
		time.Now().UTC().Format("2 January 2006 15:04 UTC"), runtime.NumCPU(), fromProc("/proc/cpuinfo", "model name"),
		memory(), runtime.GOOS, runtime.GOARCH, kernel(), runtime.Version(), version("github.com/nats-io/nats-server/v2"))
	return record{Group: "machine", Row: "machine", Note: note}
}

// version is that of a module in this program.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == module })
	if i < 0 {
		return "unknown"
	}
	return info.Deps[i].Version
}

// fromProc is the first value of a name in a file of /proc.
func fromProc(path, name string) string {
	text, err := os.ReadFile(path) //nolint:gosec // one of two
	if err != nil {
		return "CPU"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "CPU"
}

func memory() string {
	var kib float64
	if _, err := fmt.Sscanf(fromProc("/proc/meminfo", "MemTotal"), "%f kB", &kib); err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f GiB", kib/(1<<20))
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(text))
}

// log keeps the results, and writes each as it comes.
type log struct {
	records []record
	file    *os.File // nil if they are not saved
	print   bool
}

func newLog(path string, printed bool) (*log, error) {
	l := &log{print: printed}
	if path == "" {
		return l, nil
	}
	var err error
	if l.file, err = os.Create(path); err != nil { //nolint:gosec // the operator has named it
		return nil, fmt.Errorf("save the results: %w", err)
	}
	return l, nil
}

func (l *log) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

// add takes a result in.
func (l *log) add(r record) error {
	l.records = append(l.records, r)
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode a result: %w", err)
	}
	line = append(line, '\n')
	if l.print {
		fmt.Print(string(line))
	} else if r.Group != "machine" {
		fmt.Fprintln(os.Stderr, r.brief())
	}
	if l.file == nil {
		return nil
	}
	if _, err := l.file.Write(line); err != nil {
		return fmt.Errorf("save a result: %w", err)
	}
	return nil
}

// brief is one line for who waits.
func (r record) brief() string {
	s := fmt.Sprintf("%-10s %-16s round %d: %8.0f/s  %6.1f µs", r.Group, r.Row, r.Round, r.Rate, r.CPU)
	if r.Paced > 0 {
		s += fmt.Sprintf("  p50 %.2f p99 %.2f p99.9 %.2f ms at %d/s", r.P50, r.P99, r.P999, r.Paced)
	}
	if r.Failed > 0 || r.Twice > 0 {
		s += fmt.Sprintf("  FAILED %d, TWICE %d", r.Failed, r.Twice)
	}
	return s
}

// readResults reads a file of results.
func readResults(path string) ([]record, error) {
	file, err := os.Open(path) //nolint:gosec // the operator has named it
	if err != nil {
		return nil, fmt.Errorf("read the results: %w", err)
	}
	defer func() { _ = file.Close() }()
	var all []record
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("read result %d: %w", len(all)+1, err)
		}
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the results: %w", err)
	}
	return all, nil
}

// median of no values is 0.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
