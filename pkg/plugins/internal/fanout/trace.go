package fanout

import (
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// traced is answered, and before that tells by of the request for t, if one was made.
func traced[M any](by push.Tracer, provider string, t *target[M], n *line.Note, answered func(line.Answer)) func(line.Answer) {
	of := push.Request{Provider: provider, Devices: len(t.devices)}
	if t.devices == nil && !t.isChannel() {
		of.Devices, of.Platform = 1, t.device.Platform
	}
	return func(a line.Answer) {
		Requested(by, of, n, a)
		answered(a)
	}
}

// Requested tells by of a request, if one was made. by may be nil.
func Requested(by push.Tracer, of push.Request, n *line.Note, a line.Answer) {
	if by == nil || n.Asked.IsZero() {
		return
	}
	of.Asked, of.Answered, of.Class, of.Code, of.Accepted = n.Asked, n.Answered, n.Class, n.Code, a.Fate == line.Accepted
	by.Requested(of)
}
