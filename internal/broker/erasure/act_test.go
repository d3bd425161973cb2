package erasure_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/erasure"
)

// deletions looks at the requests of one client to delete messages.
type deletions struct {
	mu   sync.Mutex
	held []byte // what is kept back
	seen int
}

func (d *deletions) count(b []byte) int {
	d.seen += bytes.Count(b, []byte("PUB $JS.API.STREAM.MSG.DELETE."))
	return d.seen
}

// Nothing is answered before 32 are on their way, which none of them would outlive if
// each waited for the one before.
func TestEraseHasManyDeletionsOnTheirWay(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	for range 40 {
		r.Store(t, "push.receipts", toAlice, nil)
	}
	var d deletions
	held := brokertest.NewProxy(t, r.Broker.URL(), func(b []byte) []byte {
		d.mu.Lock()
		defer d.mu.Unlock()
		if n := d.count(b); n == 0 || n >= 32 {
			b = append(d.held, b...)
			d.held = nil
			return b
		}
		d.held = append(d.held, b...)
		return nil
	})
	counts, err := erasure.New(brokertest.ConnectTo(t, held.URL(), zerolog.Nop()), r.Topology).Erase(t.Context(), "PUSH", aliceOf(t), false)
	if diff := cmp.Diff(erasure.Counts{Where: "PUSH", Found: 40, Erased: 40}, counts); diff != "" || err != nil {
		t.Errorf("Erase: %v (-want +got)\n%s", err, diff)
	}
}

// When ctx ends, what is on its way is counted, nothing more is begun, and the next
// run does the rest.
func TestEraseInterrupted(t *testing.T) {
	t.Parallel()
	const all = 300
	r := brokertest.NewRig(t)
	for range all {
		r.Store(t, "push.receipts", toAlice, nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var d deletions
	watched := brokertest.NewProxy(t, r.Broker.URL(), func(b []byte) []byte {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.count(b) >= 50 {
			cancel()
		}
		return b
	})
	e := erasure.New(brokertest.ConnectTo(t, watched.URL(), zerolog.Nop()), r.Topology)
	steps := 0
	e.Step = func() { steps++ }
	counts, err := e.Erase(ctx, "PUSH", aliceOf(t), false)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Erase = %+v, %v; want it to be interrupted", counts, err)
	}
	left := len(r.Stored(t, "PUSH"))
	if counts.Erased == 0 || counts.Erased+left != all || steps != counts.Erased {
		t.Errorf("%d are left, counts are %+v, progress is %d", left, counts, steps)
	}
	again := eraseAll(t, r, false)["PUSH"]
	if again.Erased != left || len(r.Stored(t, "PUSH")) != 0 {
		t.Errorf("the second run has erased %+v", again)
	}
}
