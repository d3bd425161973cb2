package line

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestUnprocessedIsNoAttempt: what the provider has not looked at costs its address
// nothing and comes again soon, beside others that are served; when it looks at
// nothing that anybody sends, it is down.
func TestUnprocessedIsNoAttempt(t *testing.T) {
	p := &provider{answer: func(_ int, key string) reply {
		if strings.HasPrefix(key, "served") {
			return reply{}
		}
		return unprocessed
	}}
	bubble(t, standard, func(t *testing.T, l *Line) {
		t.Helper()
		for i := range 50 {
			if a, err := p.send(t.Context(), l, "served"+strconv.Itoa(i), ""); err != nil || a.Fate != Accepted {
				t.Fatalf("%+v, %v", a, err)
			}
			if a, err := p.send(t.Context(), l, "other"+strconv.Itoa(i), ""); err != nil || a.Fate != Again || a.Tried || a.Wait != aloneWait || a.Code == "" {
				t.Fatalf("%+v, %v, want again in %s, and no attempt", a, err, aloneWait)
			}
		}
		for i := range enoughAnswers {
			if a, _ := p.send(t.Context(), l, "none"+strconv.Itoa(i), ""); a.Tried {
				t.Errorf("%+v is an attempt", a)
			}
		}
		if _, err := p.send(t.Context(), l, "served", ""); !errors.Is(err, ErrDown) {
			t.Errorf("after %d in a row: %v, want that the provider is down", enoughAnswers, err)
		}
	})
}

// letter is a request that may panic or wait when it is answered.
type letter struct {
	claim func(Exchange) (Answer, bool)
}

func (letter) Append(b []byte) []byte                                 { return append(b, "letter"...) }
func (l letter) Claim(x Exchange) (Answer, bool)                      { return l.claim(x) }
func yes(Exchange) (Answer, bool)                                     { return Answer{Fate: Accepted, Tried: true}, true }
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type roundTrip func(*http.Request) (*http.Response, error)

var head = h2post.NewHead("/")

// TestWireAnswersOnce: whatever happens to a request, and whenever it is given up, it
// is answered once.
func TestWireAnswersOnce(t *testing.T) {
	t.Parallel()
	for name, with := range contexts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { answersOnce(t, with) })
		})
	}
}

func answersOnce(t *testing.T, with func(ctx, root context.Context) context.Context) {
	t.Helper()
	w := WireOver(h2post.NewNetHTTP(t.Context(), "https://provider.example", time.Second, roundTrip(func(r *http.Request) (*http.Response, error) {
		if err := waitFor(r.Context(), time.Duration(rand.IntN(3))*time.Second); err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	})))
	const requests = 2000
	var answers [requests]atomic.Int64
	for i := range requests {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(3))*time.Second)
		defer cancel()
		go w.Send(with(ctx, t.Context()), head, letter{yes}, func(Answer) { answers[i].Add(1) })
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
	}
	time.Sleep(time.Minute)
	for i := range answers {
		if n := answers[i].Load(); n != 1 {
			t.Errorf("request %d was answered %d times", i, n)
		}
	}
	w.Close()
}

// TestWireGivesUp: a request whose time is over before it is posted is given up.
func TestWireGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		by := &held{posting: synctest.Wait} // until it has been given up
		w := WireOver(by)
		w.Send(over, head, letter{yes}, func(Answer) {})
		if by.cancelled.Load() != 2 {
			t.Errorf("it was cancelled %d times, want once more after it was posted", by.cancelled.Load())
		}
	})
}

// held is a Poster whose requests are completed when the test says so.
type held struct {
	mu        sync.Mutex
	open      []*h2post.Request
	posting   func()
	cancelled atomic.Int64
}

func (h *held) Post(r *h2post.Request) {
	if h.posting != nil {
		h.posting()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = append(h.open, r)
}
func (h *held) Cancel(*h2post.Request)    { h.cancelled.Add(1) }
func (*held) Close(context.Context) error { return nil }

// TestAnswersAreSettledElsewhere: who reads the answers waits for nobody, however long
// some take to be settled, and most others do not wait for these either.
func TestAnswersAreSettledElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		by := &held{}
		w := WireOver(by)
		const requests, slow = 200, mostSettlers - 1
		var answered atomic.Int64
		for i := range requests {
			w.Send(t.Context(), head, letter{func(x Exchange) (Answer, bool) {
				if i < slow {
					time.Sleep(time.Hour)
				}
				return yes(x)
			}}, func(Answer) { answered.Add(1) })
		}
		began := time.Now()
		for i, r := range by.open {
			r.Done(&h2post.Answer{Outcome: h2post.Answered, Status: http.StatusOK})
			if i < slow {
				synctest.Wait() // until a settler has begun with it, or none is free
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("who reads has waited for %s", took)
		}
		synctest.Wait()
		if n, least := answered.Load(), int64(requests-slow*atOnce); n < least {
			t.Errorf("%d were settled beside the slow ones, want %d", n, least)
		}
		time.Sleep((slow + 1) * time.Hour) // the slow ones may have one settler, one after the other
		if n := answered.Load(); n != requests {
			t.Errorf("%d were settled, want %d", n, requests)
		}
	})
}

// TestClaimPanics: a panic is the answer to its own request.
func TestClaimPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		by := &held{}
		w, l := WireOver(by), New(standard)
		answers := make(chan Answer, 2)
		for _, claim := range []func(Exchange) (Answer, bool){func(Exchange) (Answer, bool) { panic("classify") }, yes} {
			l.Start(t.Context(), Call{Key: "t", Do: func(ctx context.Context, answered func(Answer)) {
				w.Send(ctx, head, letter{claim}, answered)
			}}, func(a Answer) { answers <- a })
		}
		for _, r := range by.open {
			r.Done(&h2post.Answer{Outcome: h2post.Answered, Status: http.StatusOK})
		}
		a, b := <-answers, <-answers
		if _, ok := errors.AsType[*push.PanicError](a.Err); !ok || a.Fate != Again || !a.Tried || b.Fate != Accepted {
			t.Errorf("%+v, %+v", a, b)
		}
	})
}

// TestTransports: which one carries the requests. Not parallel: it sets the
// environment.
func TestTransports(t *testing.T) {
	for name, tt := range map[string]struct {
		base, proxy string
		netHTTP     bool
		want        bool // h2post
	}{
		"TLS":         {base: "https://provider.example/v1", want: true},
		"a port":      {base: "https://provider.example:8443", want: true},
		"chosen":      {base: "https://provider.example", netHTTP: true},
		"without TLS": {base: "http://provider.example"},
		"a proxy":     {base: "https://provider.example", proxy: "http://proxy.example:3128"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HTTPS_PROXY", tt.proxy)
			base, err := url.Parse(tt.base)
			if err != nil {
				t.Fatal(err)
			}
			w := NewWire(t.Context(), New(standard), base, tt.netHTTP)
			defer w.Close()
			if _, got := w.first.(*h2post.Client); got != tt.want || (w.second != nil) != tt.want {
				t.Errorf("h2post: %t, with a fallback: %t; want %t", got, w.second != nil, tt.want)
			}
		})
	}
}

// TestHeadOfAnAnswer: Claim sees the head that was sent, and may retire the connection,
// which net/http has no word for.
func TestHeadOfAnAnswer(t *testing.T) {
	t.Parallel()
	w := WireOver(h2post.NewNetHTTP(t.Context(), "https://provider.example", time.Second, roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
	})))
	defer w.Close()
	done := make(chan Answer, 1)
	w.Send(t.Context(), head, letter{func(x Exchange) (Answer, bool) {
		if x.Head() != head {
			t.Errorf("head is %v", x.Head())
		}
		x.Retire()
		return yes(x)
	}}, func(a Answer) { done <- a })
	<-done
}
