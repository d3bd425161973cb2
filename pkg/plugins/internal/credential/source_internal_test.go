package credential

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestKeyFile: a key that is replaced is used soon; one that is refused is an
// outage at once, even while the old token lives.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	fetch := func(_ context.Context, key []byte) (Fresh[string], error) {
		switch string(key) {
		case "good":
			return Fresh[string]{Value: "secret", Life: time.Hour}, nil
		case "torn":
			return Fresh[string]{}, errors.New("no key")
		}
		return Fresh[string]{}, ErrRefused
	}
	written := time.Unix(1_790_000_000, 0)
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		written = written.Add(time.Second) // the file system's own times may be the same
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	write("good")
	synctest.Test(t, func(t *testing.T) {
		a := Keep(fetch, Key{File: path, Name: "credentials_file", Is: "the key"}, "access token")
		defer a.Close()
		synctest.Wait() // it has read the file
		for _, step := range []struct {
			text string
			ok   bool
			says string
		}{{"good", true, ""}, {"torn", true, "cannot be renewed, the last one is good until"}, {"refused one", false, "refuses"}, {"good", true, ""}} {
			write(step.text)
			time.Sleep(LookEvery + time.Second)
			if err := a.Ready(t.Context()); (err == nil) != step.ok {
				t.Errorf("%s: %v", step.text, err)
			}
			wantState(t, a, step.says, step.ok)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(LookEvery + time.Second)
		wantState(t, a, "credentials_file", true)
		time.Sleep(54 * time.Minute)
		if err := a.Ready(t.Context()); err != nil {
			t.Errorf("without a file, the token being good: %v", err)
		}
		time.Sleep(10 * time.Minute)
		if err := a.Ready(t.Context()); err == nil {
			t.Error("without a file and a token there is no error")
		}
		if n := a.State().Refreshes; n.Renewed != 3 || n.Refused == 0 || n.Failed == 0 {
			t.Errorf("counted are %+v, want three renewed, at the start and for each good file, and some refused and failed", *n)
		}
	})
}

// wantState asks for what operators see within seconds, not when the token ends.
func wantState(t *testing.T, a *Source[string], says string, live bool) {
	t.Helper()
	s := a.State()
	if s.CredentialsExpire.IsZero() == live {
		t.Errorf("credentials expire at %s, live: %t", s.CredentialsExpire, live)
	}
	if says == "" && s.Problem == nil {
		return
	}
	if s.Problem == nil || says == "" || !strings.Contains(s.Problem.Error(), says) {
		t.Errorf("problem is %v, want %q", s.Problem, says)
	}
}

// TestTokenFloor: however shortly a token lives by its own account, the endpoint is
// not asked without a pause.
func TestTokenFloor(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{-time.Hour, 0, time.Nanosecond, time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			var fetched atomic.Int64
			a := Keep(func(context.Context, []byte) (Fresh[string], error) {
				fetched.Add(1)
				return Fresh[string]{Value: "secret", Life: life}, nil
			}, Key{}, "access token")
			defer a.Close()
			time.Sleep(10*time.Second + time.Millisecond)
			if n := fetched.Load(); n > 11 {
				t.Errorf("a life of %s: asked %d times in 10 s", life, n)
			}
		})
	}
}

// TestNext: what says when another is to be fetched is fetched anew then, not near its
// end.
func TestNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetched atomic.Int64
		a := Keep(func(context.Context, []byte) (Fresh[string], error) {
			fetched.Add(1)
			return Fresh[string]{Value: "secret", Life: time.Hour, Next: 10 * time.Minute}, nil
		}, Key{Text: []byte("key")}, "token")
		defer a.Close()
		time.Sleep(30*time.Minute + time.Second)
		if n := fetched.Load(); n != 4 {
			t.Errorf("fetched %d times in half an hour, want at once and every 10 minutes", n)
		}
	})
}

// TestRenewedInTime: senders never see a ticket after its end, also when the answer to a
// fetch takes a while, and have the last one until then when the next does not come.
func TestRenewedInTime(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{4 * time.Second, time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var stalled atomic.Bool
			a := Keep(func(ctx context.Context, _ []byte) (Fresh[time.Time], error) {
				made := time.Now()
				if stalled.Load() {
					<-ctx.Done()
					return Fresh[time.Time]{}, ctx.Err()
				}
				time.Sleep(900 * time.Millisecond) // the answer's way
				return Fresh[time.Time]{Value: made, Life: life}, nil
			}, Key{}, "access token")
			defer a.Close()
			if err := a.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := useUntil(t, a, life, time.Now().Add(10*life)); n < 10 {
				t.Errorf("%d tickets in ten lives of %s", n, life)
			}
			stalled.Store(true)
			last, err := a.Now()
			if err != nil {
				t.Fatal(err)
			}
			useUntil(t, a, life, last.Value.Add(life))
		})
	}
}

// useUntil looks at the ticket, as senders do, and returns how many there were.
func useUntil(t *testing.T, a *Source[time.Time], life time.Duration, end time.Time) int {
	t.Helper()
	seen := make(map[time.Time]bool)
	for ; time.Now().Before(end); time.Sleep(life / 1000) {
		ticket, err := a.Now()
		if err != nil {
			t.Fatal(err)
		}
		if !time.Now().Before(ticket.Value.Add(life)) {
			t.Fatalf("a ticket that lives %s is shown %s after it was made", life, time.Since(ticket.Value))
		}
		seen[ticket.Value] = true
	}
	return len(seen)
}

// TestWaitingHasNoGoroutines: as many as may be open wait for a ticket in place of one
// that was refused, and get it, or nothing when their time is up. It is not parallel: it
// counts goroutines.
func TestWaitingHasNoGoroutines(t *testing.T) {
	var fetched atomic.Int64
	again := make(chan struct{})
	s := Keep(func(context.Context, []byte) (Fresh[string], error) {
		if fetched.Add(1) > 1 {
			<-again
		}
		return Fresh[string]{Value: strconv.FormatInt(fetched.Load(), 10), Life: time.Hour}, nil
	}, Key{}, "ticket")
	defer s.Close()
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, err := s.Now()
	if err != nil {
		t.Fatal(err)
	}
	const waiting = 1000
	before, got := runtime.NumGoroutine(), make(chan *Ticket[string], waiting)
	impatient, stop := context.WithCancel(t.Context())
	s.Replaced(impatient, old, func(ticket *Ticket[string]) { got <- ticket })
	for range waiting {
		s.Replaced(t.Context(), old, func(ticket *Ticket[string]) { got <- ticket })
	}
	if n := runtime.NumGoroutine() - before; n > waiting/10 {
		t.Errorf("%d goroutines for %d that wait", n, waiting)
	}
	stop()
	if ticket := <-got; ticket != nil {
		t.Errorf("who did not wait got %q", ticket.Value)
	}
	close(again)
	for range waiting {
		if ticket := <-got; ticket == nil || ticket.Value != "2" {
			t.Fatalf("got %+v, want the second", ticket)
		}
	}
	s.Replaced(t.Context(), old, func(ticket *Ticket[string]) { got <- ticket })
	if ticket := <-got; ticket == nil || ticket.Value != "2" {
		t.Errorf("who comes late got %+v", ticket)
	}
}
