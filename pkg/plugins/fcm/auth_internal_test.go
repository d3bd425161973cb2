package fcm

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// TestTokenIsRenewedAhead: a token is replaced before its end, and senders go on
// with the old one while the endpoint stalls.
func TestTokenIsRenewedAhead(t *testing.T) {
	var fetched atomic.Int64
	fetch := func(ctx context.Context, _ []byte) (token, error) {
		if fetched.Add(1) == 2 {
			<-ctx.Done() // for ever
			return token{}, ctx.Err()
		}
		return token{Value: "secret", Life: time.Hour}, nil
	}
	l := &network{}
	bubble(t, l, fetch, func(t *testing.T, s *sender) {
		t.Helper()
		for range 59 {
			if a, err := s.send(t.Context(), to("t")); err != nil || a.Fate != line.Accepted {
				t.Fatalf("%+v, %v", a, err)
			}
			time.Sleep(time.Minute)
		}
		if n := fetched.Load(); n < 2 {
			t.Errorf("fetched %d times in 59 minutes", n)
		}
	})
}

// TestTokenEndpointDown: a token that is good stays, a bad one is an outage that
// ends when the endpoint is back.
func TestTokenEndpointDown(t *testing.T) {
	var down atomic.Bool
	fetch := func(context.Context, []byte) (token, error) {
		if down.Load() {
			return token{}, errors.New("no network")
		}
		return token{Value: "secret", Life: time.Hour}, nil
	}
	bubble(t, &network{}, fetch, func(t *testing.T, s *sender) {
		t.Helper()
		synctest.Wait()
		down.Store(true)
		time.Sleep(59 * time.Minute)
		if _, err := s.send(t.Context(), to("t")); err != nil {
			t.Errorf("with an old token: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := s.send(t.Context(), to("t")); !errors.Is(err, line.ErrDown) {
			t.Errorf("with none: %v", err)
		}
		down.Store(false)
		time.Sleep(credential.LookEvery + time.Millisecond)
		if _, err := s.send(t.Context(), to("t")); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

// TestRefusedTokenIsReplaced: a 401 that a fresh token heals costs nothing but that,
// however many senders had used the old one.
func TestRefusedTokenIsReplaced(t *testing.T) {
	var fetched atomic.Int64
	fetch := func(context.Context, []byte) (token, error) {
		fetched.Add(1)
		time.Sleep(time.Second)
		return token{Value: "secret", Life: time.Hour}, nil
	}
	l := &network{answer: func(n int, _ string) reply {
		if n <= 50 {
			return reply{status: 401, latency: time.Second / 10}
		}
		return reply{status: 200}
	}}
	bubble(t, l, fetch, func(t *testing.T, s *sender) {
		t.Helper()
		outcomes := make(chan error)
		for range 50 {
			go func() {
				a, err := s.send(t.Context(), to("t"))
				if err == nil && a.Fate != line.Accepted {
					err = a.Err
				}
				outcomes <- err
			}()
		}
		for range 50 {
			if err := <-outcomes; err != nil {
				t.Errorf("got %v", err)
			}
		}
		if n := fetched.Load(); n != 2 || l.count() != 100 {
			t.Errorf("%d tokens, %d requests, want 2, 100", n, l.count())
		}
	})
}

// TestUnauthenticated: 401s of several devices that a fresh token does not heal close
// the gate and have the token replaced once, however many senders had used it; when
// that helps later, all go on.
func TestUnauthenticated(t *testing.T) {
	var fetched atomic.Int64
	fetch := func(context.Context, []byte) (token, error) {
		fetched.Add(1)
		return token{Value: "secret", Life: time.Hour}, nil
	}
	valid := false
	l := &network{answer: func(n int, _ string) reply {
		if valid {
			return reply{status: 200}
		}
		// One after the other: of two at once, the tenth may close the gate before the ninth is told.
		return reply{status: 401, body: detailed("UNAUTHENTICATED"), latency: time.Duration(100+n) * time.Millisecond}
	}}
	bubble(t, l, fetch, func(t *testing.T, s *sender) {
		t.Helper()
		time.Sleep(time.Minute)
		outcomes := make(chan error)
		for i := range 50 {
			go func() {
				a, err := s.send(t.Context(), to("t"+strconv.Itoa(i)))
				if err == nil && a.Tried {
					err = errors.New("it was an attempt")
				}
				outcomes <- err
			}()
		}
		alone := 0
		for range 50 {
			switch err := <-outcomes; {
			case err == nil:
				alone++
			case !errors.Is(err, line.ErrDown):
				t.Errorf("error is %v, want line.ErrDown", err)
			}
		}
		if alone != 9 {
			t.Errorf("%d were refused before that was believed", alone)
		}
		synctest.Wait()
		if n := fetched.Load(); n != 2 {
			t.Errorf("fetched %d times, want a second time at once", n)
		}
		if _, err := s.send(t.Context(), to("t")); !errors.Is(err, line.ErrDown) || l.count() != 100 {
			t.Errorf("the gate is open: %v, %d requests, want each of the 50 twice", err, l.count())
		}
		time.Sleep(20 * time.Second)
		before := l.count()
		for range 10 { // still refused: one request a second
			_, _ = s.send(t.Context(), to("t"))
			time.Sleep(time.Second / 2)
		}
		if n := l.count() - before; n > 6 { // one a second, and one with the token that is fetched meanwhile
			t.Errorf("%d requests in 5 s with refused credentials", n)
		}
		l.mu.Lock()
		valid = true
		l.mu.Unlock()
		time.Sleep(2 * time.Second)
		if a, err := s.send(t.Context(), to("t")); err != nil || a.Fate != line.Accepted {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// TestFirstToken: senders wait for the very first token, within their time.
func TestFirstToken(t *testing.T) {
	fetch := func(ctx context.Context, _ []byte) (token, error) {
		select {
		case <-time.After(10 * time.Second):
			return token{Value: "secret", Life: time.Hour}, nil
		case <-ctx.Done():
			return token{}, ctx.Err()
		}
	}
	bubble(t, &network{}, fetch, func(t *testing.T, s *sender) {
		t.Helper()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.send(short, to("t")); !errors.Is(err, line.ErrDown) {
			t.Errorf("out of time: %v", err)
		}
		start := time.Now()
		if _, err := s.send(t.Context(), to("t")); err != nil || time.Since(start) != 9*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}
