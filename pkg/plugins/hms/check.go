package hms

import (
	"context"
	"errors"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// madeUp is a message to a token that no device has. Huawei's answer that the token is none
// shows that everything before it is in order.
func (h *handler) madeUp() (message, string) {
	t := &template{config: h.config}
	return message{rendered: t.background(map[string]string{"what": "test"}, 1), badge: noBadge}, "pushworker-doctor"
}

// known takes the answer to a made-up token for what it is.
func known(answered func(line.Answer)) func(line.Answer) {
	return func(a line.Answer) {
		if a.Fate == line.Gone {
			a.Doubt, a.Scope = nil, line.One
		}
		answered(a)
	}
}

// check gets a token and sends to a made-up device, past the line.
func (h *handler) check(ctx context.Context) []push.Finding {
	token, ok := h.sender.auth.Finding(ctx, func(err error) string {
		if h.config.isV1 && !errors.Is(err, credential.ErrRefused) {
			return "check the network, the proxy and token_endpoint; it is asked again every " + credential.LookEvery.String()
		}
		return "put credentials there that Huawei has issued; a replaced file is read within " + credential.LookEvery.String()
	})
	found := append(h.config.IdleBut("android", "Huawei's devices"), token)
	if !ok {
		return found
	}
	return append(found, h.sender.line.Examine(ctx, "made-up device", func(ctx context.Context, peek func(line.Exchange), answered func(line.Answer)) {
		m, to := h.madeUp()
		(&request{sender: h.sender, message: m, dry: true, tokens: []string{to}, ctx: ctx, peek: peek, answered: known(answered)}).send()
	})...)
}

// probe sends to a made-up device on the way of every message.
func (h *handler) probe(ctx context.Context) error {
	m, to := h.madeUp()
	c := h.sender.call(m, true, to)
	do := c.Do
	c.Do = func(ctx context.Context, answered func(line.Answer)) { do(ctx, known(answered)) }
	return h.sender.line.Probe(ctx, c) //nolint:wrapcheck // it is the outcome
}
