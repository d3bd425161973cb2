package apns

import (
	"context"
	"strings"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// madeUp is a push that nobody sees, to a token that no device has. Apple has no dry run;
// its answer that the token is bad shows that everything before it is in order.
func (h *handler) madeUp() *message {
	return &message{
		rendered: &rendered{expiration: "0", collapse: "pushworker-doctor", aps: []byte(`{"content-available":1}`), data: []byte(`{"what":"test"}`)},
		token:    strings.Repeat("0", 64), topic: h.config.Topic, id: messageID("doctor", push.Device{}),
	}
}

// known takes the answer to a made-up token for what it is.
func known(answered func(line.Answer)) func(line.Answer) {
	return func(a line.Answer) {
		if a.Code == codeBadToken {
			a.Doubt, a.Scope = nil, line.One
		}
		answered(a)
	}
}

// check signs a token and sends to a made-up device, past the line.
func (h *handler) check(ctx context.Context) []push.Finding {
	token, ok := h.sender.auth.Finding(ctx, func(error) string {
		return "put the key that Apple gave you there, with its key_id; a replaced file is read within " + credential.LookEvery.String()
	})
	found := append(h.config.IdleBut("apns", "Apple's devices"), token)
	if !ok {
		return found
	}
	return append(found, h.sender.line.Examine(ctx, "made-up device", func(ctx context.Context, peek func(line.Exchange), answered func(line.Answer)) {
		(&request{message: h.madeUp(), sender: h.sender, ctx: ctx, peek: peek, answered: known(answered)}).send()
	})...)
}

// probe sends to a made-up device on the way of every push.
func (h *handler) probe(ctx context.Context) error {
	c := h.sender.call(h.madeUp())
	do := c.Do
	c.Do = func(ctx context.Context, answered func(line.Answer)) { do(ctx, known(answered)) }
	return h.sender.line.Probe(ctx, c) //nolint:wrapcheck // it is the outcome
}
