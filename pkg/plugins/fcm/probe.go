package fcm

import (
	"context"
	"errors"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/push"
)

// probe has FCM check a message to nobody, on the way of every message, so that the
// sender learns from it too whether FCM is available.
func (h *handler) probe(ctx context.Context) error {
	m := &messaging.Message{Token: madeUpToken, Data: map[string]string{"what": push.ActMsg}}
	a, err := h.sender.sendBy(ctx, h.sender.dry, m, otherPlatform)
	switch {
	case errors.Is(err, errDown):
		return push.Unavailable(err)
	case err != nil:
		return err
	}
	if a.fate == again && a.code != quotaDevice {
		return push.Unavailable(a.err)
	}
	return nil
}
