package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// testID is the id of a test event, which nobody has had before.
func testID() string { return "test-" + rand.Text() }

// check posts an event that carries nothing.
func (h *handler) check(ctx context.Context) []push.Finding {
	asked := time.Now()
	x := h.sender.exchange(ctx, testID(), &push.Receipt{}, testBody(asked))
	a := classify(x, asked)
	f := push.Finding{Level: push.LevelOK, Check: "test event"}
	switch {
	case a.Fate == line.Accepted:
		f.Text = "the receiver takes an event of type " + typeTest
	case x.Err != nil:
		f.Level, f.Text = push.LevelFail, "no answer from the receiver: "+x.Err.Error()
		f.Remedy = "check the network and the key url; a private address needs allow_private"
	default:
		f.Level, f.Text = push.LevelFail, a.Err.Error()
		f.Remedy = "correct it; a receiver answers 2xx to an event of a type that it does not know, such as " + typeTest
	}
	found := []push.Finding{f}
	if clock, ok := h.sender.line.Clock(x, asked); ok {
		found = append(found, clock)
	}
	return found
}

// probe posts an event that carries nothing, on the way of every receipt, so that the
// line learns from it too whether the receiver is there.
func (h *handler) probe(ctx context.Context) error {
	_, a := h.sender.post(ctx, testID(), &push.Receipt{}, testBody(time.Now()))
	switch {
	case errors.Is(a.Err, line.ErrInterrupted) && !a.Tried:
		return a.Err
	case a.Fate != line.Accepted:
		return push.Unavailable(fmt.Errorf("post a test event: %w", a.Err))
	}
	return nil
}
