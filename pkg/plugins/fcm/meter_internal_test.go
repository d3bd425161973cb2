package fcm

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// TestEveryAnswerHasAClass: whatever FCM or somebody in between answers is counted
// under one of the classes, and each class has an answer.
func TestEveryAnswerHasAClass(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, a := range []answer{
		{fate: accepted},
		{fate: gone},
		{fate: gone, scope: all, doubtful: true},
		{fate: rejected},
		{fate: again, code: "quota-device"},
		{fate: again, scope: all, closed: true, code: "quota-project"},
		{fate: again, scope: all, closed: true, code: "unauthenticated"},
		{fate: again, scope: all, code: "http-503"},
		{fate: again, scope: group, closed: true, code: "third-party-auth"},
		{fate: again, silent: true, code: "timeout"},
		{fate: again, scope: all, silent: true, code: "network"},
		{fate: again, scope: all, code: "network"},
		{fate: again, code: "new"},
	} {
		class := a.class()
		if !slices.Contains(classes(), class) {
			t.Errorf("%+v has the class %q, which is none", a, class)
		}
		seen[class] = true
	}
	if len(seen) != len(classes()) {
		t.Errorf("the answers have %d classes, want all %d", len(seen), len(classes()))
	}
}

// TestMeterTells: answers are told once somebody wants to know, and connections are
// counted until they close.
func TestMeterTells(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	var m meter
	m.answered(answer{fate: accepted}, time.Second) // nobody wants to know
	var told atomic.Value
	m.measure(func(class string, took time.Duration) { told.Store(class + " " + took.String()) })
	m.answered(answer{fate: gone}, time.Second)
	if got := told.Load(); got != "gone 1s" {
		t.Errorf("told %v", got)
	}
	c, err := m.dial(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if n := m.open.Load(); n != 1 {
		t.Errorf("%d connections are open, want 1", n)
	}
	for range 2 { // closing twice is closing once
		_ = c.Close()
	}
	if n := m.open.Load(); n != 0 {
		t.Errorf("%d connections are open after they were closed", n)
	}
}
