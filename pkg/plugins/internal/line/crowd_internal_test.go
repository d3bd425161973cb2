package line

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// ofRoot is a context as [push.Adapt] gives it to handlers.
type ofRoot struct {
	context.Context                 //nolint:containedctx // it is a context itself
	root            context.Context //nolint:containedctx // it is a context itself
}

func (c ofRoot) Root() context.Context { return c.root }

// contexts are the two kinds that a wire tells apart.
var contexts = map[string]func(ctx, root context.Context) context.Context{
	"its own":       func(ctx, _ context.Context) context.Context { return ctx },
	"one of a root": func(ctx, root context.Context) context.Context { return ofRoot{ctx, root} },
}

// TestRootEnds: whose root ends is given up, at once, and nobody else; whose root has
// ended before it is posted, too.
func TestRootEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		by := &held{}
		w := WireOver(by)
		root, end := context.WithCancel(t.Context())
		other, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		answered := 0
		send := func(root context.Context) {
			w.Send(ofRoot{other, root}, head, letter{yes}, func(Answer) { answered++ }) //nolint:contextcheck // what is tested
		}
		send(root)
		by.open[0].Done(&h2post.Answer{Outcome: h2post.Answered, Status: http.StatusOK})
		synctest.Wait()
		send(root)
		send(root)
		send(t.Context())
		end()
		synctest.Wait()
		if n := by.cancelled.Load(); n != 2 || answered != 1 {
			t.Errorf("%d were given up, %d were answered, want 2 and 1", n, answered)
		}
		send(root)
		synctest.Wait()
		if n := by.cancelled.Load(); n != 3 {
			t.Errorf("%d were given up, want the one that came too late, too", n)
		}
		for _, r := range by.open[1:] {
			r.Done(&h2post.Answer{Outcome: h2post.InDoubt, Err: h2post.ErrCanceled})
		}
		synctest.Wait()
		if answered != len(by.open) {
			t.Errorf("%d of %d were answered", answered, len(by.open))
		}
		if at, _ := other.Deadline(); !by.open[1].Latest.Equal(at) {
			t.Errorf("the latest deadline is %s, want that of the context, %s", by.open[1].Latest, at)
		}
	})
}

// TestRequestEndsWithItsContext: by a deadline that is earlier than the timeout, as its
// context says it, and by the timeout otherwise.
func TestRequestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, with := range contexts {
		for _, after := range []time.Duration{time.Second, time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				w := WireOver(h2post.NewNetHTTP(t.Context(), "https://provider.example", 15*time.Second, roundTrip(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})))
				defer w.Close()
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				began, done := time.Now(), make(chan time.Time, 1)
				w.Send(with(ctx, t.Context()), head, letter{yes}, func(Answer) { done <- time.Now() })
				if took, want := (<-done).Sub(began), min(after, 15*time.Second); took != want {
					t.Errorf("%s, ends in %s: took %s, want %s", name, after, took, want)
				}
			})
		}
	}
}
