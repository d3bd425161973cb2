package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/sleep"
)

// readyWithin bounds how long a program may take to start.
const readyWithin = 30 * time.Second

// restartAfter is how long a supervisor waits.
const restartAfter = time.Second

// service is a broker, a worker or the fake provider: one process after the other.
type service struct {
	name string
	// spec is the next process, and where it says that it is ready; n counts them.
	spec func(n int) (s process.Spec, ready string, err error)

	// fault is held by the one who does something to the service.
	fault sync.Mutex

	mu    sync.Mutex
	now   *process.Process
	ready string
	all   []*process.Process
}

// start starts the next process of the service and returns the one before.
func (s *service) start(ctx context.Context) (before *process.Process, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.all) + 1
	spec, ready, err := s.spec(n)
	if err != nil {
		return nil, err
	}
	spec.Name = fmt.Sprintf("%s-%d", s.name, n)
	p, err := process.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	before = s.now
	s.now, s.ready = p, ready
	s.all = append(s.all, p)
	return before, nil
}

// holder is the running process of the service.
func (s *service) holder() *process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// url is where the process of the service says that it is ready.
func (s *service) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

// processes are all there have been.
func (s *service) processes() []*process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// await waits until the process of the service says that it is ready.
func (s *service) await(ctx context.Context) error {
	s.mu.Lock()
	p, url := s.now, s.ready
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !answers(ctx, url) {
		select {
		case <-p.Exited():
			return fmt.Errorf("%s ended before it was ready; it said: %s", s.name, p.Said())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; it said: %s", s.name, ctx.Err(), p.Said())
		case <-tick.C:
		}
	}
	return nil
}

// supervise starts the next process when one ends by itself, as whoever runs
// workers does, until ctx ends. ended is told of each. A process that somebody ends
// who holds fault is that one's business.
func (s *service) supervise(ctx context.Context, ended func(*process.Process)) {
	for {
		p := s.holder()
		select {
		case <-p.Exited():
		case <-ctx.Done():
			return
		}
		s.fault.Lock()
		if s.holder() == p && ctx.Err() == nil {
			ended(p)
			if sleep.For(ctx, restartAfter) == nil {
				// The process outlives its supervision. A service without a process is noticed.
				_, _ = s.start(context.WithoutCancel(ctx))
			}
		}
		s.fault.Unlock()
	}
}

// answers reports whether url answers 200 soon.
func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := call(ctx, http.MethodGet, url, "")
	return err == nil
}
