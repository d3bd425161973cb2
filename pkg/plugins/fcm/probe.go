package fcm

import (
	"context"
	"errors"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// madeUp is a message to no device.
func madeUp() message {
	return message{rendered: &rendered{text: []byte(`{"data":{"what":"` + push.ActMsg + `"}`)}, token: madeUpToken}
}

// probe has FCM check a message to nobody, on the way of every message, so that the
// line learns from it too whether FCM is available.
func (h *handler) probe(ctx context.Context) error {
	a := h.sender.line.Send(ctx, h.sender.call(madeUp(), true, otherPlatform))
	switch {
	case errors.Is(a.Err, line.ErrInterrupted) && !a.Tried:
		return a.Err
	case a.Fate == line.Again && a.Code != quotaDevice:
		return push.Unavailable(a.Err)
	}
	return nil
}
