package line

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
	for _, a := range []Answer{
		{Fate: Accepted},
		{Fate: Gone},
		{Fate: Gone, Scope: All, Doubt: errBusy},
		{Fate: Rejected},
		{Fate: Again, Code: "quota-device"},
		{Fate: Again, Scope: All, Closed: true, Code: "quota-project"},
		{Fate: Again, Scope: All, Closed: true, Code: "unauthenticated"},
		{Fate: Again, Scope: All, Code: "http-503"},
		{Fate: Again, Scope: OfGroup, Closed: true, Code: "third-party-auth"},
		{Fate: Again, Silent: true, Code: "timeout"},
		{Fate: Again, Scope: All, Silent: true, Code: "network"},
		{Fate: Again, Scope: All, Code: "network"},
		{Fate: Again, Code: "new"},
	} {
		class := a.class()
		if !slices.Contains(Classes(), class) {
			t.Errorf("%+v has the class %q, which is none", a, class)
		}
		seen[class] = true
	}
	if len(seen) != len(Classes()) {
		t.Errorf("the answers have %d classes, want all %d", len(seen), len(Classes()))
	}
}

// TestMeterTells: answers are told once somebody wants to know, and connections are
// counted until they close.
func TestMeterTells(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	var m Meter
	m.told(Answer{Fate: Accepted}, time.Second) // nobody wants to know
	var told atomic.Value
	m.Measure(func(class string, took time.Duration) { told.Store(class + " " + took.String()) })
	m.told(Answer{Fate: Gone}, time.Second)
	if got := told.Load(); got != "gone 1s" {
		t.Errorf("told %v", got)
	}
	c, err := m.Dial(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if n := m.open.Load(); n != 1 {
		t.Errorf("%d connections are open, want 1", n)
	}
	m.HangUp()
	if _, err := c.Write([]byte("x")); err == nil {
		t.Error("a connection is open after all were hung up")
	}
	for range 2 { // closing twice is closing once
		_ = c.Close()
	}
	if n := m.open.Load(); n != 0 {
		t.Errorf("%d connections are open after they were closed", n)
	}
}
