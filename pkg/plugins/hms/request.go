package hms

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// call is the request that carries m to tokens; dry has Huawei check it and deliver
// nothing, which v3 does not know. Messages of a push type can fail together: an app needs a
// right to it.
func (s *sender) call(m message, dry bool, tokens ...string) line.Call {
	c := line.Call{Group: s.line.Group("push type " + m.kind), Do: func(ctx context.Context, answered func(line.Answer)) {
		(&request{sender: s, message: m, dry: dry, tokens: tokens, ctx: ctx, answered: answered}).send()
	}}
	if len(tokens) == 1 {
		c.Key = tokens[0]
	} else {
		c.Keys = tokens
	}
	return c
}

// request is a message on its way.
type request struct {
	message
	sender   *sender
	dry      bool
	tokens   []string
	ctx      context.Context     //nolint:containedctx // the request's own, which lives as long
	peek     func(line.Exchange) // shown what came back, if it is not nil
	answered func(line.Answer)
	token    *ticket
	repeated bool
}

func (r *request) send() {
	token, err := r.sender.auth.Now()
	if err != nil { // it has gone since Ready was asked
		r.answered(r.sender.line.Down(fmt.Errorf("no token: %w", err)))
		return
	}
	r.post(token)
}

func (r *request) post(token *ticket) {
	r.token = token
	r.sender.wire.Send(r.ctx, token.Value, r, r.answered)
}

// Particulars implements [line.Particular].
func (r *request) Particulars(f []h2post.Field) (path string, fields []h2post.Field) {
	if r.kind != "" {
		f = append(f, h2post.Field{Name: "push-type", Value: r.kind})
	}
	return "", f
}

// Append implements [line.Request].
func (r *request) Append(b []byte) []byte {
	text, badgeAt := r.text, r.badgeAt
	if r.dry && r.kind == "" {
		b = append(b, `{"validate_only":true,`...)
		text, badgeAt = text[1:], badgeAt-1
	}
	if r.badge != noBadge {
		b = append(append(b, text[:badgeAt]...), r.badgeBegin...)
		b = append(strconv.AppendInt(b, int64(r.badge), 10), r.badgeEnd...)
		text = text[badgeAt:]
	}
	b = append(b, text...)
	for i, token := range r.tokens {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonbody.Quote(b, token)
	}
	return append(b, "]}}"...)
}

// Claim implements [line.Request]. A request whose token is refused is repeated once if
// there is a fresh one: a refusal says that nothing was sent.
func (r *request) Claim(x line.Exchange) (line.Answer, bool) {
	a := classify(x, r.tokens, time.Now())
	refused := a.Code == codeToken
	if refused && !r.repeated {
		r.repeated = true
		r.sender.auth.Replaced(r.ctx, r.token, func(fresh *ticket) {
			if fresh != nil {
				r.post(fresh)
			} else {
				r.answered(a)
			}
		})
		return line.Answer{}, false
	}
	if refused {
		r.sender.auth.Refused(r.token)
	}
	if r.peek != nil {
		r.peek(x)
	}
	return a, true
}
