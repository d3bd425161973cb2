package fcm

import (
	"context"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/serviceaccount"
	"github.com/pushworker/pushworker/pkg/push"
)

// madeUp is a message to no device. FCM's answer that its token is none shows that
// everything before it is in order.
func madeUp() message {
	return message{
		rendered: &rendered{text: []byte(`{"data":{"what":"` + push.ActMsg + `"}`)},
		token:    "pushworker-doctor:no-device-has-this-token",
	}
}

// check fetches an access token and has FCM check a message that it does not
// deliver, past the line.
func (h *handler) check(ctx context.Context) []push.Finding {
	token, ok := h.sender.auth.Finding(ctx, serviceaccount.Remedy)
	found := append(h.config.Idle("docs/fcm-messages.md"), token)
	if !ok {
		return found
	}
	return append(found, h.sender.line.Examine(ctx, "dry run", func(ctx context.Context, peek func(line.Exchange), answered func(line.Answer)) {
		(&request{sender: h.sender, ctx: ctx, message: madeUp(), dry: true, peek: peek, answered: answered}).send()
	})...)
}

// probe has FCM check a message to nobody, on the way of every message.
func (h *handler) probe(ctx context.Context) error {
	return h.sender.line.Probe(ctx, h.sender.call(madeUp(), true, otherPlatform)) //nolint:wrapcheck // it is the outcome
}
