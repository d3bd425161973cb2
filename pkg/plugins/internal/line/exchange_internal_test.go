package line

import (
	"net/http"
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "5", "-5", "999999999999", "Tue, 24 Nov 2026 12:02:00 GMT", "soon"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		x := Exchange{Header: http.Header{"Retry-After": {header}}}
		if d := x.RetryAfter(now); d < 0 || d > maxRetryAfter {
			t.Errorf("%q gives %v", header, d)
		}
	})
}
