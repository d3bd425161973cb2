package devicetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/device"
)

// events are those told so far.
type events struct {
	mu   sync.Mutex
	told []device.Event
}

func (e *events) add(event device.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, event)
}

func (e *events) all() []device.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.told)
}

// eventually waits until ok.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(deadline)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			tb.Fatalf("after %s: not yet %s", deadline, what)
		}
	}
}
