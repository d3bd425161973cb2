package h2post_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// patience bounds every wait; nothing but a failure waits so long.
const patience = 2 * time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is an answer that outlives Done.
type result struct {
	Outcome h2post.Outcome
	Status  int
	Body    string
	Err     error
}

func keep(a *h2post.Answer) result { return result{a.Outcome, a.Status, string(a.Body), a.Err} }

// post posts r and waits for what comes of it.
func post(p h2post.Poster, r *h2post.Request) result {
	got := make(chan result, 1)
	r.Done = func(a *h2post.Answer) { got <- keep(a) }
	p.Post(r)
	return <-got
}

// serve starts net/http's server over TLS.
func serve(tb testing.TB, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	tb.Cleanup(s.Close)
	return s
}

func optionsFor(s *httptest.Server) h2post.Options {
	return h2post.Options{
		Authority: strings.TrimPrefix(s.URL, "https://"),
		TLS:       s.Client().Transport.(*http.Transport).TLSClientConfig, //nolint:forcetypeassert // httptest's
	}
}

func newClient(tb testing.TB, o h2post.Options) *h2post.Client {
	tb.Helper()
	c := h2post.New(tb.Context(), o)
	tb.Cleanup(func() { closeIt(tb, c) })
	return c
}

func closeIt(tb testing.TB, p h2post.Poster) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		tb.Error(err)
	}
}

// echo answers with what it was asked, and a status of its own for every request.
func echo(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Length", strconv.Itoa(len(body)))
	w.WriteHeader(200 + len(body)%300)
	_, _ = fmt.Fprintf(w, "%s %s %s %s %s", req.Method, req.URL.Path, req.Header.Get("Authorization"), req.Header.Get("Apns-Id"), body)
}

// posts posts n requests, as many at once as the Poster takes, and returns what came
// of each.
func posts(p h2post.Poster, n int, request func(i int) *h2post.Request) []result {
	got := make([]result, n)
	var all sync.WaitGroup
	slots := make(chan struct{}, 500)
	for i := range n {
		slots <- struct{}{}
		all.Add(1)
		r := request(i)
		r.Deadline = time.Now().Add(patience) // the machine may be busy with other tests
		r.Done = func(a *h2post.Answer) {
			got[i] = keep(a)
			<-slots
			all.Done()
		}
		p.Post(r)
	}
	all.Wait()
	return got
}
