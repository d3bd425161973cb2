package replay

import (
	"context"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Survey is a sink that sends nothing and says what would be sent.
type Survey struct {
	handler push.Handler

	mu      sync.Mutex
	found   Found
	expired int64
}

var _ Sink = (*Survey)(nil)

// Found is what would be sent.
type Found struct {
	// Receipts would be sent to Recipients, each counted once per receipt, and to
	// Channels, likewise.
	Receipts, Recipients, Channels int64
	// First and Last are the ends of the stretch in which they are.
	First, Last Stored
}

// NewSurvey returns a survey for h, which has been initialised; it stays the caller's.
func NewSurvey(h push.Handler) *Survey { return &Survey{handler: h} }

// Take implements [Sink].
func (v *Survey) Take(_ context.Context, s Stored, r *push.Receipt) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if Expired(v.handler, r, time.Now()) {
		v.expired++
		return nil
	}
	s.Data = nil
	if v.found.Receipts++; v.found.Receipts == 1 {
		v.found.First = s
	}
	v.found.Last = s
	v.found.Recipients += int64(len(r.To))
	if r.Channel != "" {
		v.found.Channels++
	}
	return nil
}

// Found returns what was found up to now.
func (v *Survey) Found() Found {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.found
}

// Flush implements [Sink].
func (*Survey) Flush() error { return nil }

// Position implements [Sink].
func (v *Survey) Position(next uint64, t *Tally) (Position, error) {
	v.Count(t)
	return Position{Next: next}, nil
}

// Finish implements [Sink].
func (*Survey) Finish(context.Context) error { return nil }

// Count implements [Sink].
func (v *Survey) Count(t *Tally) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t.Expired += v.expired
}
