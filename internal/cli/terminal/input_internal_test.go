package terminal

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// TestInterruptedIsCanceled: who reads standard input takes its end by an interrupt neither
// for the end of what is in it nor for a fault.
func TestInterruptedIsCanceled(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	_, err := NewInput(ctx, strings.NewReader("more")).Read(make([]byte, 8))
	if !errors.Is(err, ErrInterrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want an interrupt, which is context.Canceled", err)
	}
}
