package apns

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
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
func known(a line.Answer) line.Answer {
	if a.Code == codeBadToken {
		a.Doubt, a.Scope = nil, line.One
	}
	return a
}

// check signs a token and sends to a made-up device, past the line.
func (h *handler) check(ctx context.Context) []push.Finding {
	found := h.idle()
	err := h.sender.auth.Ready(ctx)
	t, gone := h.sender.auth.Now()
	if err = errors.Join(err, gone); err != nil {
		return append(found, push.Finding{
			Level: push.LevelFail, Check: "provider token", Text: err.Error(),
			Remedy: "put the key that Apple gave you there, with its key_id; a replaced file is read within " + credential.LookEvery.String(),
		})
	}
	found = append(found, push.Finding{
		Level: push.LevelOK, Check: "provider token", Text: "the key signs one, of " + t.Value.issued.UTC().Format(time.RFC3339),
	})
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	asked := time.Now()
	var clock []push.Finding
	answer := make(chan line.Answer, 1)
	r := &request{message: h.madeUp(), sender: h.sender, ctx: ctx, answered: func(a line.Answer) { answer <- a }}
	r.peek = func(x line.Exchange) {
		if one, ok := h.sender.line.Clock(x, asked); ok {
			clock = []push.Finding{one}
		}
	}
	r.send()
	return append(append(found, h.sender.line.Finding("made-up device", known(<-answer))), clock...)
}

// idle warns of keys that do nothing here.
func (h *handler) idle() []push.Finding {
	c := h.config
	keys := c.APNS.Idle("apns")
	for name, s := range map[string]*notice.Section{"android": &c.Android, "webpush": &c.Webpush} {
		if s.Enabled || len(s.Idle("")) > 0 {
			keys = append(keys, name)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return []push.Finding{{
		Level: push.LevelWarn, Check: "sections", Text: "these keys do nothing for Apple's devices, or their value cannot be used: " + strings.Join(keys, ", "),
		Remedy: "remove them; docs/apns.md lists the keys",
	}}
}

// probe sends to a made-up device on the way of every push, so that the line learns from
// it too whether Apple is available.
func (h *handler) probe(ctx context.Context) error {
	c := h.sender.call(h.madeUp())
	do := c.Do
	c.Do = func(ctx context.Context, answered func(line.Answer)) {
		do(ctx, func(a line.Answer) { answered(known(a)) })
	}
	a := h.sender.line.Send(ctx, c)
	switch {
	case errors.Is(a.Err, line.ErrInterrupted) && !a.Tried:
		return a.Err
	case a.Fate == line.Again:
		return push.Unavailable(a.Err)
	}
	return nil
}
