package fcm

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
)

// network is what is below a sender, in a bubble: it answers as told and keeps
// the times of the requests.
type network struct {
	mu     sync.Mutex
	answer func(n int, token string) reply // of the n-th request
	times  []time.Time
	tokens []string
}

// reply is an answer of FCM.
type reply struct {
	status     int
	body       string
	retryAfter string
	err        error
	latency    time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (l *network) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(body), `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	l.mu.Lock()
	l.times, l.tokens = append(l.times, time.Now()), append(l.tokens, token)
	a := reply{status: 200}
	if l.answer != nil {
		a = l.answer(len(l.times), token)
	}
	l.mu.Unlock()
	if a.latency > 0 { // a timer of nothing is never made in a bubble
		select {
		case <-time.After(a.latency):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.status == 200 && a.body == "" {
		a.body = `{"name":"` + goodID + `"}`
	}
	header := http.Header{}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: req}, nil
}

func (l *network) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.times)
}

// token is an access token.
type token = credential.Fresh[string]

// goodKey fetches a token that lives for an hour.
func goodKey(context.Context, []byte) (token, error) {
	return token{Value: "secret", Life: time.Hour}, nil
}

// bubble runs f in a synctest bubble with a sender whose network is l.
func bubble(t *testing.T, l *network, fetch credential.Fetch[string], f func(t *testing.T, s *sender)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := newSender(t.Context(), &Config{ProjectID: "p", Credentials: []byte("key"), MaxInFlight: 100, PerSecond: 1e9, Ramp: time.Millisecond}, fetch)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		s.over(t, l)
		f(t, s)
	})
}

// over has s send over by.
func (s *sender) over(t *testing.T, by http.RoundTripper) {
	t.Helper()
	s.wire.Close()
	s.wire = line.WireOver(h2post.NewNetHTTP(t.Context(), defaultEndpoint, sendTimeout, by))
}

// send sends one message. The error is that of an answer which is none.
func (s *sender) send(ctx context.Context, m message) (line.Answer, error) {
	a := s.line.Send(ctx, s.call(m, false, android))
	if errors.Is(a.Err, line.ErrDown) || errors.Is(a.Err, line.ErrInterrupted) && !a.Tried {
		return line.Answer{}, a.Err
	}
	return a, nil
}

func to(token string) message { return message{rendered: &rendered{text: []byte("{")}, token: token} }

// TestEveryStatus: whatever status somebody else answers with, and whatever is in the
// body, nothing is accepted or refused for good, and no token is gone.
func TestEveryStatus(t *testing.T) {
	bubble(t, &network{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		if err := s.auth.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		linetest.Run(t, linetest.Provider{
			Scope: line.All,
			Ask: func(ctx context.Context, by *line.Wire) line.Answer {
				s.wire = by
				answer := make(chan line.Answer, 1)
				(&request{sender: s, ctx: ctx, message: to("t"), answered: func(a line.Answer) { answer <- a }}).send()
				return <-answer
			},
		})
	})
}
