package terminal

import (
	"context"
	"io"
)

// Input is standard input. A read ends when the command is told to stop, with
// ErrInterrupted; the operating system's read, which cannot be called off, ends
// with the process.
type Input struct {
	io.Reader

	stop   <-chan struct{}
	buffer []byte // the reading goroutine's while there is one
}

// NewInput is what in has, until ctx ends.
func NewInput(ctx context.Context, in io.Reader) *Input {
	return &Input{Reader: in, stop: ctx.Done()}
}

// Read implements io.Reader.
func (i *Input) Read(p []byte) (int, error) {
	select {
	case <-i.stop: // another read may still have the buffer
		return 0, ErrInterrupted
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
		return 0, ErrInterrupted
	}
}

// ErrInterrupted says that a read ended because the command was told to stop. It is
// [context.Canceled] to those who do not know this package: a context that was derived from
// the command's may end a moment later.
var ErrInterrupted error = interruptedError{}

type interruptedError struct{}

func (interruptedError) Error() string        { return "interrupted; nothing was changed" }
func (interruptedError) Is(target error) bool { return target == context.Canceled }
