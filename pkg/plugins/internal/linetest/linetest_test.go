package linetest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
)

// plain is a provider that knows nothing but 201 and 410.
type plain struct{}

// Append implements [line.Request].
func (plain) Append(b []byte) []byte { return append(b, "message"...) }

// Claim implements [line.Request].
func (plain) Claim(x line.Exchange) (line.Answer, bool) {
	switch {
	case x.Err != nil:
		return x.NoAnswer(), true
	case x.Status == http.StatusCreated:
		return line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}, true
	case x.Status == http.StatusGone:
		return line.Answer{Fate: line.Gone, Tried: true, Code: "gone", Err: errors.New("gone"), AsOf: time.Now()}, true
	}
	a := x.Unknown()
	a.Err = errors.New("answered " + a.Code)
	return a, true
}

// TestTheBaseFacesTheTable: a provider that knows nothing but 201 and 410 passes with
// what the base makes of the rest.
func TestTheBaseFacesTheTable(t *testing.T) {
	t.Parallel()
	head := h2post.NewHead("/")
	linetest.Run(t, linetest.Provider{
		Scope: line.All,
		Knows: func(status int) bool { return status == http.StatusCreated || status == http.StatusGone },
		Ask: func(ctx context.Context, over *line.Wire) line.Answer {
			answer := make(chan line.Answer, 1)
			over.Send(ctx, head, plain{}, func(a line.Answer) { answer <- a })
			return <-answer
		},
	})
}
