package main

import (
	"context"
	"io"
	"os"
)

// interruptible is standard input. A read ends when the command is told to stop, with
// an interruptedError; the operating system's read, which cannot be called off, ends
// with the process.
type interruptible struct {
	io.Reader

	stop   <-chan struct{}
	buffer []byte // the reading goroutine's while there is one
}

func newInterruptible(ctx context.Context, in io.Reader) *interruptible {
	return &interruptible{Reader: in, stop: ctx.Done()}
}

// Read implements io.Reader.
func (i *interruptible) Read(p []byte) (int, error) {
	select {
	case <-i.stop: // another read may still have the buffer
		return 0, errStdinInterrupted()
	default:
	}
	if len(i.buffer) < len(p) {
		i.buffer = make([]byte, len(p))
	}
	var n int
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, err = i.Reader.Read(i.buffer[:len(p)])
	}()
	select {
	case <-done:
		return copy(p, i.buffer[:n]), err
	case <-i.stop:
		return 0, errStdinInterrupted()
	}
}

// open opens an input, which holds things, and gives it the name that faults say. - is
// standard input.
func (a *app) open(name, things string) (io.ReadCloser, string, error) {
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the user names the file
		return f, name, err
	}
	if a.isTerminal(a.stdin.Reader) {
		a.say("type %s, one per line; Ctrl-D ends", things)
	}
	return io.NopCloser(a.stdin), "stdin", nil
}

func errStdinInterrupted() error { return interruptedError{"nothing was changed"} }
