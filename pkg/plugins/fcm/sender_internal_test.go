package fcm

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
)

// line is the network below a sender, in a bubble: it answers as told and keeps
// the times of the requests.
type line struct {
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
func (l *line) RoundTrip(req *http.Request) (*http.Response, error) {
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
	select {
	case <-time.After(a.latency):
	case <-req.Context().Done():
		return nil, req.Context().Err()
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

func (l *line) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.times)
}

// goodKey fetches a token that lives for an hour.
func goodKey(context.Context, []byte) (token, error) {
	return token{Value: "secret", Life: time.Hour}, nil
}

// bubble runs f in a synctest bubble with a sender whose network is l.
func bubble(t *testing.T, l *line, c sending, fetch credential.Fetch[string], f func(t *testing.T, s *sender)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c.project, c.key = "p", []byte("key")
		if c.inFlight == 0 {
			c.inFlight, c.perSecond, c.ramp = 100, 1e9, time.Millisecond
		}
		s, err := newSender(t.Context(), c, fetch)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		s.auth.next = l
		f(t, s)
	})
}

func to(token string) *messaging.Message { return &messaging.Message{Token: token} }

var quotaOfProject = reply{status: 429, retryAfter: "37", body: detailed("RESOURCE_EXHAUSTED", reason("RATE_LIMIT_EXCEEDED"))}

// TestProjectQuota: when FCM says to several that the project has to wait, nobody is
// called before that time, not even who was waiting for his turn already; then one
// is, and if that goes well all are.
func TestProjectQuota(t *testing.T) {
	l := &line{answer: func(n int, _ string) reply {
		if n <= enoughAnswers+1 {
			return quotaOfProject
		}
		return reply{status: 200, latency: 100 * time.Millisecond}
	}}
	bubble(t, l, sending{inFlight: 1, perSecond: 1e9, ramp: time.Millisecond}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		const senders = 3 * enoughAnswers
		start := time.Now()
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				for {
					a, err := s.send(t.Context(), to("t"+strconv.Itoa(i)), android)
					switch {
					case err == nil && a.fate == accepted:
						return
					case err != nil && !errors.Is(err, errDown), a.tried && err == nil:
						t.Errorf("%+v, %v, want errDown, or none who was asked", a, err)
					}
					time.Sleep(time.Second / 4)
				}
			})
		}
		all.Wait()
		if len(l.times) != enoughAnswers+1+senders {
			t.Errorf("%d requests, want %d", len(l.times), enoughAnswers+1+senders)
		}
		for i, at := range l.times {
			least := 37 * time.Second * time.Duration(max(0, min(2, i-enoughAnswers+1)))
			if at.Sub(start) < least || at.Sub(start) > least+8*time.Second {
				t.Errorf("request %d came after %s", i+1, at.Sub(start))
			}
		}
	})
}

// TestDeviceQuota: a device that has to wait is not called before its time, by
// whatever receipt, and no other device waits.
func TestDeviceQuota(t *testing.T) {
	l := &line{answer: func(n int, token string) reply {
		if token == "slow" && n == 1 {
			return reply{status: 429, retryAfter: "5", body: coded("QUOTA_EXCEEDED")}
		}
		return reply{status: 200}
	}}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		a, err := s.send(t.Context(), to("slow"), android)
		if err != nil || a.fate != again || a.wait != 5*time.Second || !a.tried {
			t.Fatalf("%+v, %v", a, err)
		}
		time.Sleep(2 * time.Second)
		if a, err = s.send(t.Context(), to("slow"), android); err != nil || a.fate != again || a.wait != 3*time.Second || a.tried {
			t.Errorf("before its time: %+v, %v", a, err)
		}
		if a, err = s.send(t.Context(), to("other"), android); err != nil || a.fate != accepted {
			t.Errorf("another device: %+v, %v", a, err)
		}
		time.Sleep(3 * time.Second)
		if a, err = s.send(t.Context(), to("slow"), android); err != nil || a.fate != accepted {
			t.Errorf("at its time: %+v, %v", a, err)
		}
		if n := l.count(); n != 3 || len(s.resting.targets) != 0 {
			t.Errorf("%d requests, %d targets rest", n, len(s.resting.targets))
		}
	})
}

// TestRetryAfterOfAnOutage: a 503's time is obeyed as well.
func TestRetryAfterOfAnOutage(t *testing.T) {
	l := &line{answer: func(n int, _ string) reply {
		return []reply{{status: 503, retryAfter: "9"}, {status: 200}}[min(n-1, 1)]
	}}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		for range 100 {
			if a, err := s.send(t.Context(), to("t"), ios); err == nil && a.fate == accepted {
				break
			}
			time.Sleep(time.Second / 2)
		}
		if n := l.count(); n != 2 || l.times[1].Sub(l.times[0]) != 9*time.Second {
			t.Errorf("%d requests, at %v", n, l.times)
		}
	})
}

// TestPlatformBroken: FCM's broken access to Apple rests Apple's devices, once
// several of them have shown it, and is no matter of Android's.
func TestPlatformBroken(t *testing.T) {
	l := &line{answer: func(_ int, token string) reply {
		if strings.HasPrefix(token, "apple") {
			return reply{status: 401, body: coded("THIRD_PARTY_AUTH_ERROR")}
		}
		return reply{status: 200}
	}}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		for i := range 50 {
			a, err := s.send(t.Context(), to("apple"+strconv.Itoa(i)), ios)
			if err != nil || a.fate != again || a.tried || a.wait != platformWait {
				t.Fatalf("%+v, %v", a, err)
			}
			if a, err = s.send(t.Context(), to("robot"), android); err != nil || a.fate != accepted {
				t.Fatalf("%+v, %v", a, err)
			}
		}
		if n := l.count(); n != 50+enoughAnswers {
			t.Errorf("%d requests, want 50 for Android and %d for Apple", n, enoughAnswers)
		}
		time.Sleep(platformWait)
		for range 5 {
			if a, err := s.send(t.Context(), to("apple"), ios); err != nil || a.fate != again || a.tried {
				t.Errorf("%+v, %v", a, err)
			}
		}
		if n := l.count(); n != 51+enoughAnswers {
			t.Errorf("%d requests, want one more when it has rested", n)
		}
	})
}

// TestOutage: while FCM is down it is asked once a second, whoever wants to send,
// and when it is back all go on, slowly at first.
func TestOutage(t *testing.T) {
	var up bool
	l := &line{}
	l.answer = func(int, string) reply {
		if up {
			return reply{status: 200}
		}
		return reply{status: 503, latency: 10 * time.Millisecond}
	}
	bubble(t, l, sending{inFlight: 100, perSecond: 1000, ramp: time.Minute}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		over := make(chan struct{})
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					_, _ = s.send(t.Context(), to("t"+strconv.Itoa(i)), android)
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		time.Sleep(5 * time.Second) // it has closed
		before := l.count()
		time.Sleep(time.Minute)
		if n := l.count() - before; n < 50 || n > 60 {
			t.Errorf("%d requests in a minute of outage, want one a second", n)
		}
		l.mu.Lock()
		up = true
		l.mu.Unlock()
		time.Sleep(2 * time.Second)
		before = l.count()
		time.Sleep(5 * time.Second)
		if n := l.count() - before; n < 500 || n > 1200 {
			t.Errorf("%d requests in 5 s after the outage, want a ramp that begins at 100 a second", n)
		}
		time.Sleep(time.Minute)
		before = l.count()
		time.Sleep(5 * time.Second)
		if n := l.count() - before; n < 4900 || n > 5100 {
			t.Errorf("%d requests in 5 s after the ramp, want 1000 a second", n)
		}
		close(over)
		all.Wait()
	})
}

// TestStalled: no answer within the deadline is an attempt, and so is an end of the
// receipt's own time; a stop is none.
func TestStalled(t *testing.T) {
	l := &line{answer: func(int, string) reply { return reply{status: 200, latency: time.Hour} }}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		start := time.Now()
		a, err := s.send(t.Context(), to("a"), android)
		if err != nil || a.fate != again || !a.tried || a.wait != sendTimeout || time.Since(start) != sendTimeout {
			t.Errorf("stalled: %+v, %v after %s", a, err, time.Since(start))
		}
		short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if a, err = s.send(short, to("b"), android); err != nil || a.fate != again || !a.tried || a.wait != 2*time.Second {
			t.Errorf("out of time: %+v, %v", a, err)
		}
		stopped, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(errors.New("stopping")) })
		if a, err = s.send(stopped, to("c"), android); !errors.Is(err, errInterrupted) || a.tried {
			t.Errorf("stopped: %+v, %v", a, err)
		}
		if s.limit.used != 0 || len(s.pool.free) != 100 {
			t.Errorf("%d places and %d slots are lost", s.limit.used, 100-len(s.pool.free))
		}
	})
}

// TestInvalidMessage: what the SDK refuses never reaches FCM and says nothing
// about it.
func TestInvalidMessage(t *testing.T) {
	l := &line{}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		a, err := s.send(t.Context(), &messaging.Message{}, android)
		if err != nil || a.fate != rejected || l.count() != 0 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// TestPanic: a panic leaves nothing taken.
func TestPanic(t *testing.T) {
	l := &line{}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		good := s.sdk
		s.sdk = func(context.Context, *messaging.Message) (string, error) { panic("SDK") }
		for range 3 {
			func() {
				defer func() { _ = recover() }()
				_, _ = s.send(t.Context(), to("t"), android)
			}()
		}
		s.sdk = good
		if a, err := s.send(t.Context(), to("t"), android); err != nil || a.fate != accepted || s.limit.used != 0 {
			t.Errorf("%+v, %v, %d places taken", a, err, s.limit.used)
		}
	})
}
