// Package demo plays three receipts through a whole worker and tells what becomes of
// them. It refuses to know commands and flags.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Handler is the name of the demo's handler.
const Handler = "demo"

var (
	errDemoTransient = errors.New("provider answered 503")
	errDemoPermanent = errors.New("provider answered 400: no such payload")
)

// Demo is the handler of the three receipts, and tells what happens.
type Demo struct {
	Running chan struct{} // closed when the worker runs

	mu      sync.Mutex
	out     io.Writer
	began   time.Time
	calls   map[int]int // by receipt
	outcome sync.WaitGroup
}

// New returns a demo that tells on out.
func New(out io.Writer) *Demo {
	s := &Demo{Running: make(chan struct{}), out: out, began: time.Now(), calls: make(map[int]int)}
	s.outcome.Add(4) // what handle is called for: receipts 1 and 3 once, receipt 2 twice
	return s
}

// Register is the demo's list of plug-ins.
func (s *Demo) Register(r *push.Registry, _ push.Directory) {
	r.Register(Handler, push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: s.handle}, nil
	}))
}

// handle delivers receipt 1, fails receipt 2 once and receipt 3 for good.
func (s *Demo) handle(_ context.Context, r *push.Receipt) error {
	defer s.outcome.Done()
	seq := r.Payload.SeqId
	s.mu.Lock()
	s.calls[seq]++
	call := s.calls[seq]
	s.mu.Unlock()
	switch {
	case seq == 2 && call == 1:
		s.Tell(seq, "attempt 1: %v. It is redelivered after a jittered delay of at most 1s", errDemoTransient)
		return errDemoTransient
	case seq == 3:
		s.Tell(seq, "attempt 1: %v. Trying again cannot help", errDemoPermanent)
		return push.Permanent(errDemoPermanent)
	}
	s.Tell(seq, "attempt %d: delivered, and acknowledged", call)
	return nil
}

// Write receives the worker's greeting, which means that it runs.
func (s *Demo) Write(p []byte) (int, error) {
	close(s.Running)
	return len(p), nil
}

// Await waits until the handler has had all its calls.
func (s *Demo) Await(ctx context.Context) error {
	over := make(chan struct{})
	go func() {
		s.outcome.Wait()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the demo did not end: %w", ctx.Err())
	}
}

// Tell prints one event of receipt seq.
func (s *Demo) Tell(seq int, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%6.3fs  receipt %d  %s\n", time.Since(s.began).Seconds(), seq, fmt.Sprintf(format, args...)) //nolint:errcheck // nobody to tell
}

// Receipt is a small message to one user.
func Receipt(seq int) *push.Receipt {
	return &push.Receipt{
		To: map[push.Uid]push.Recipient{push.ParseUserId("usr782riWdFIwE"): {Unread: seq}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpnG99YhENiQU", From: "usrEDJUdpi63P4", SeqId: seq,
			Timestamp: time.Now().UTC(), Content: "Hello",
		},
	}
}
