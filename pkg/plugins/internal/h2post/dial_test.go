package h2post_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// TestNobodyListens: when every connection fails, at moments of their own, those who wait
// are told at the last one, and none is dialled again for them.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("connection refused")
		var dials atomic.Int64
		began := time.Now()
		c := newClient(t, h2post.Options{
			Authority: "push.example.com:443", Conns: 4, Queue: 100,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				time.Sleep(time.Duration(dials.Add(1)) * time.Millisecond)
				return nil, refused
			},
		})
		for _, got := range posts(c, 20, func(int) *h2post.Request { return &h2post.Request{Head: h2post.NewHead("/")} }) {
			if got.Outcome != h2post.Unprocessed || !errors.Is(got.Err, refused) {
				t.Errorf("the outcome is %v: %v", got.Outcome, got.Err)
			}
		}
		if n, took := dials.Load(), time.Since(began); n > 4 || took > 10*time.Millisecond {
			t.Errorf("%d connections were dialled in %s, want at most 4 in 4ms", n, took)
		}
	})
}
