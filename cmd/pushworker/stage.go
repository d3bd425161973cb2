package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// demoHandler is the name of the demo's handler.
const demoHandler = "demo"

var (
	errDemoTransient = errors.New("provider answered 503")
	errDemoPermanent = errors.New("provider answered 400: no such payload")
)

// stage is the demo's handler, and tells what happens on it.
type stage struct {
	curtain chan struct{} // closed when the worker runs

	mu      sync.Mutex
	out     io.Writer
	began   time.Time
	calls   map[int]int // by receipt
	outcome sync.WaitGroup
}

func newStage(out io.Writer) *stage {
	s := &stage{curtain: make(chan struct{}), out: out, began: time.Now(), calls: make(map[int]int)}
	s.outcome.Add(4) // what handle is called for: receipts 1 and 3 once, receipt 2 twice
	return s
}

// register is the demo's list of plug-ins.
func (s *stage) register(r *push.Registry, _ push.Directory) {
	r.Register(demoHandler, push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: s.handle}, nil
	}))
}

// handle delivers receipt 1, fails receipt 2 once and receipt 3 for good.
func (s *stage) handle(_ context.Context, r *push.Receipt) error {
	defer s.outcome.Done()
	seq := r.Payload.SeqId
	s.mu.Lock()
	s.calls[seq]++
	call := s.calls[seq]
	s.mu.Unlock()
	switch {
	case seq == 2 && call == 1:
		s.tell(seq, "attempt 1: %v. It is redelivered after a jittered delay of at most 1s", errDemoTransient)
		return errDemoTransient
	case seq == 3:
		s.tell(seq, "attempt 1: %v. Trying again cannot help", errDemoPermanent)
		return push.Permanent(errDemoPermanent)
	}
	s.tell(seq, "attempt %d: delivered, and acknowledged", call)
	return nil
}

// Write receives the worker's greeting, which means that it runs.
func (s *stage) Write(p []byte) (int, error) {
	close(s.curtain)
	return len(p), nil
}

// await waits until the handler has had all its calls.
func (s *stage) await(ctx context.Context) error {
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

// tell prints one event of receipt seq.
func (s *stage) tell(seq int, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%6.3fs  receipt %d  %s\n", time.Since(s.began).Seconds(), seq, fmt.Sprintf(format, args...)) //nolint:errcheck // nobody to tell
}

// demoReceipt is a small message to one user.
func demoReceipt(seq int) *push.Receipt {
	return &push.Receipt{
		To: map[push.Uid]push.Recipient{push.ParseUserId("usr782riWdFIwE"): {Unread: seq}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpnG99YhENiQU", From: "usrEDJUdpi63P4", SeqId: seq,
			Timestamp: time.Now().UTC(), Content: "Hello",
		},
	}
}
