package main

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// meter counts receipts and keeps their latencies, from begin to the last one that
// begin was told of.
type meter struct {
	mu        sync.Mutex
	want      int
	began     time.Time
	latencies []time.Duration
	elapsed   time.Duration
	done      chan struct{}
}

// begin makes ready for want receipts, whose clock starts at start.
func (m *meter) begin(want int, start time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.want, m.elapsed, m.done = want, 0, make(chan struct{})
	m.latencies = slices.Grow(m.latencies[:0], want)
	m.began = start
}

// count notes a receipt that was published at sent and done at done.
func (m *meter) count(sent, done time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.latencies) == m.want {
		return
	}
	m.latencies = append(m.latencies, done.Sub(sent))
	if len(m.latencies) == m.want {
		m.elapsed = done.Sub(m.began)
		close(m.done)
	}
}

// await waits for the last one.
func (m *meter) await() reply {
	m.mu.Lock()
	done := m.done
	m.mu.Unlock()
	<-done
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.latencies)
	return reply{Elapsed: m.elapsed, P50: m.at(0.5), P99: m.at(0.99), P999: m.at(0.999)}
}

func (m *meter) at(quantile float64) time.Duration {
	return m.latencies[int(quantile*float64(len(m.latencies)-1))]
}

// answer answers the questions about a meter.
func (m *meter) answer(q question) (reply, error) {
	switch q.Do {
	case "begin":
		m.begin(q.Want, q.Start)
		return reply{}, nil
	case "await":
		return m.await(), nil
	}
	return reply{}, errors.New("no question " + q.Do)
}
