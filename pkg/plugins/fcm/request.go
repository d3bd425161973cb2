package fcm

import (
	"context"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// call is the request that sends m; dry has FCM check it and deliver nothing.
func (s *sender) call(m message, dry bool, p platform) line.Call {
	key := m.token
	if m.topic != "" {
		key = "/topics/" + m.topic
	}
	return line.Call{Key: key, Group: s.platforms[p], Public: m.topic != "", Do: func(ctx context.Context, answered func(line.Answer)) {
		(&request{sender: s, ctx: ctx, message: m, dry: dry, answered: answered}).send()
	}}
}

// request is a message on its way to FCM.
type request struct {
	*sender
	ctx      context.Context //nolint:containedctx // the request's own, which lives as long
	message  message
	dry      bool
	peek     func(line.Exchange) // shown what came back, if it is not nil
	answered func(line.Answer)
	token    *ticket
	repeated bool
}

func (r *request) send() {
	token, err := r.auth.Now()
	if err != nil { // it has gone since Ready was asked
		r.answered(r.line.Down(fmt.Errorf("no access token: %w", err)))
		return
	}
	r.post(token)
}

func (r *request) post(token *ticket) {
	r.token = token
	r.wire.Send(r.ctx, token.Value.head, r, r.answered)
}

// Append implements [line.Request].
func (r *request) Append(b []byte) []byte {
	w := jsonbody.Writer(append(b, `{"message":`...))
	w = r.message.appendTo(w)
	w.True("validate_only", r.dry)
	w.End()
	return w
}

// Claim implements [line.Request]. A request whose token is refused is repeated once
// if there is a fresh one: a refusal says that nothing was sent.
func (r *request) Claim(x line.Exchange) (line.Answer, bool) {
	if isOurs401(x) && !r.repeated {
		r.repeated = true
		a := r.judge(x)
		r.auth.Replaced(r.ctx, r.token, func(fresh *ticket) {
			if fresh != nil {
				r.post(fresh)
			} else {
				r.answered(a)
			}
		})
		return line.Answer{}, false
	}
	if r.peek != nil {
		r.peek(x)
	}
	return r.judge(x), true
}

// judge says what came back means.
func (r *request) judge(x line.Exchange) line.Answer {
	a := classify(x, time.Now())
	switch {
	case a.Closed && a.Wait == 0:
		r.auth.Refused(r.token)
	case a.Doubt != nil && a.Scope == line.OfGroup:
		a.Group = r.platforms[ios] // whatever the directory says of the device
	}
	return a
}
