package h2post_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// requests makes requests of every size, two of whose heads take turns.
func requests() func(i int) *h2post.Request {
	heads := []*h2post.Head{
		h2post.NewHead("/v1/send", h2post.Field{Name: "authorization", Value: "Bearer " + strings.Repeat("a", 1000)}),
		h2post.NewHead("/v2/send", h2post.Field{Name: "authorization", Value: "Bearer b"}, h2post.Field{Name: "content-type", Value: "application/json"}),
	}
	return func(i int) *h2post.Request {
		r := &h2post.Request{Head: heads[i/100%2], Body: []byte(strings.Repeat("x", i%700))}
		if i%3 == 0 {
			r.Path = fmt.Sprintf("/3/device/%08x", i)
			r.Fields = []h2post.Field{{Name: "apns-id", Value: strconv.Itoa(i)}}
		}
		if i%1000 == 7 {
			r.Body = []byte(strings.Repeat("long", 60_000))
		}
		return r
	}
}

// same posts the same requests by both, and compares.
func same(t *testing.T, o h2post.Options, n int, request func(i int) *h2post.Request) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: o.TLS.Clone(), ForceAttemptHTTP2: true, MaxConnsPerHost: 8}
	one, two := newClient(t, o), h2post.NewNetHTTP(t.Context(), "https://"+o.Authority, 0, transport)
	t.Cleanup(func() { closeIt(t, two) })
	got, want := posts(one, n, request), posts(two, n, request)
	for i := range want {
		if want[i].Outcome != h2post.Answered {
			t.Fatalf("request %d over net/http: %+v", i, want[i])
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("(-net/http +h2post):\n%.4000s", diff)
	}
}

func TestSameAsNetHTTP(t *testing.T) {
	t.Parallel()
	same(t, optionsFor(serve(t, echo)), 10_000, requests())
}
