package credential

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good")
	synctest.Test(t, func(t *testing.T) {
		a := Keep(fetch, Key{File: path, Name: "credentials_file", Is: "the key"}, "access token")
		defer a.Close()
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
