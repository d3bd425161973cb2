package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// cpuTime is what this process has used, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakRSS is the largest resident size of this process in bytes. Where there is no
// /proc, it is what getrusage says, which on Linux would include the parent's.
func peakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
		line, _, _ := bytes.Cut(after, []byte("\n"))
		text := bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(line), []byte("kB")))
		if kib, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return kib << 10
		}
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss << 10
}

// usage is what the processes have used so far.
type usage struct {
	worker, broker, fake time.Duration
	rss, brokerRSS       int64 // of the largest worker
}

func (w *world) usage(r *row) (u usage, err error) {
	for _, p := range r.workers {
		m, err := p.ask(question{Do: "mark"})
		if err != nil {
			return u, err
		}
		u.worker += m.CPU
		u.rss = max(u.rss, m.RSS)
	}
	m, err := w.broker.ask(question{Do: "mark"})
	if err != nil {
		return u, err
	}
	u.broker, u.brokerRSS = m.CPU, m.RSS
	if r.fake == nil {
		return u, nil
	}
	m, err = r.fake.ask(question{Do: "mark"})
	u.fake = m.CPU
	return u, err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
