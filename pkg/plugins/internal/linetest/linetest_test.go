package linetest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
)

func request(ctx context.Context, by http.RoundTripper) line.Exchange {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://provider.example/", http.NoBody)
	if err != nil {
		return line.Exchange{Err: err}
	}
	return line.Do(by, req)
}

// TestTheBaseFacesTheTable: a provider that knows nothing but 201 and 410 passes with
// what the base makes of the rest.
func TestTheBaseFacesTheTable(t *testing.T) {
	t.Parallel()
	linetest.Run(t, linetest.Provider{
		Scope: line.All,
		Knows: func(status int) bool { return status == http.StatusCreated || status == http.StatusGone },
		Ask: func(ctx context.Context, by http.RoundTripper) line.Answer {
			x := request(ctx, by)
			switch {
			case x.Err != nil:
				return line.NoAnswer(x.Err)
			case x.Status == http.StatusCreated:
				return line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
			case x.Status == http.StatusGone:
				return line.Answer{Fate: line.Gone, Tried: true, Code: "gone", Err: errors.New("gone"), AsOf: time.Now()}
			}
			a := x.Unknown()
			a.Err = errors.New("answered " + a.Code)
			return a
		},
	})
}
