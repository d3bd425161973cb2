package fcm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/fcm"
)

// ask calls a path of the server, without credentials.
func ask(t *testing.T, c *http.Client, s *fcm.Server, method, path, body string) reply {
	t.Helper()
	r := request(t, method, s.URL()+path, body)
	r.Header.Del("Authorization")
	got, err := do(c, r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRevokedFromOutside(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	a, key := newAccount(t, s)
	_, body := exchange(t, c, a.TokenURI, sign(t, key, a.claims()))
	ask(t, c, s, http.MethodPost, "/fake/revoke", "")
	if got := pushAs(t, c, s, "Bearer "+body["access_token"].(string)); got.status != 401 {
		t.Errorf("%d, want 401", got.status)
	}
}

func TestWrongPathsSayWhatThereIs(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	for _, q := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{http.MethodGet, "/fake/nothing", "", 404, "POST /fake/revoke"},
		{http.MethodGet, "/elsewhere", "", 404, "<!DOCTYPE html>"},
		{http.MethodGet, "/v1/projects/demo/messages:send", "", 404, "<!DOCTYPE html>"},
		{http.MethodPost, "/v1/projects/de%20mo/messages:send", "", 404, "<!DOCTYPE html>"},
	} {
		if got := ask(t, c, s, q.method, q.path, q.body); got.status != q.status || !strings.Contains(got.body, q.text) {
			t.Errorf("%s %s: %d %s", q.method, q.path, got.status, got.body)
		}
	}
}

func TestTopicManagement(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `
		{"endpoint":"iid","token":"gone","answer":"unregistered"}, {"endpoint":"iid","token":"often","answer":"quota-device"},
		{"endpoint":"iid","token":"odd","answer":"internal"}, {"endpoint":"iid","conn_nth":4,"answer":"unavailable"}`)}})
	c := client(t)
	manage := func(path, body string) reply {
		got, err := do(c, request(t, http.MethodPost, s.URL()+path, body))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := manage("/iid/v1:batchAdd", `{"to":"/topics/news","registration_tokens":["a","gone","often","not one","odd"]}`)
	want := `{"results":[{},{"error":"NOT_FOUND"},{"error":"RESOURCE_EXHAUSTED"},{"error":"INVALID_ARGUMENT"},{"error":"INTERNAL"}]}`
	if got.status != 200 || got.body != want {
		t.Errorf("%d %s, want %s", got.status, got.body, want)
	}
	if !s.Subscribed("news", "a") || s.Subscribed("news", "gone") {
		t.Error("a and only a should be subscribed")
	}
	if got := manage("/iid/v1:batchRemove", `{"to":"news","registration_tokens":["a"]}`); got.status != 200 || s.Subscribed("news", "a") {
		t.Errorf("%d %s; still subscribed: %v", got.status, got.body, s.Subscribed("news", "a"))
	}
	if got := manage("/iid/v1:batchAdd", `{"to":"/topics/a b","registration_tokens":["a"]}`); got.status != 400 {
		t.Errorf("%d for a wrong topic, want 400", got.status)
	}
	if got := manage("/iid/v1:batchAdd", `{"to":"news","registration_tokens":["a"]}`); got.status != 503 {
		t.Errorf("%d, want the rule for the whole call", got.status)
	}
	tokens, err := json.Marshal(map[string]any{"to": "news", "registration_tokens": make([]string, 1001)})
	if err != nil {
		t.Fatal(err)
	}
	if got := manage("/iid/v1:batchAdd", string(tokens)); got.status != 400 {
		t.Errorf("%d for 1001 tokens, want 400", got.status)
	}
	r := request(t, http.MethodPost, s.URL()+"/iid/v1:batchAdd", "{}")
	r.Header.Set("Authorization", "Bearer wrong")
	if got, err := do(c, r); err != nil || got.status != 401 {
		t.Errorf("%d (%v) with a wrong token, want 401", got.status, err)
	}
}

func TestRequestsAreRemembered(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Options: fake.Options{Keep: 3}})
	c := client(t)
	heard, stop := s.Subscribe(10)
	for _, token := range []string{"a", "b", "c", "d"} {
		push(t, c, s, to(token))
	}
	stop()
	stop() // is harmless
	push(t, c, s, to("e"))
	if len(heard) != 4 {
		t.Errorf("heard of %d requests, want 4", len(heard))
	}
	var got []string
	for _, r := range s.Requests() {
		if r.Nth != 1 || r.Status != 200 || r.Answer != "accepted" || !r.Accepted || r.Project != "demo" || r.Conn != 1 || r.Stream == 0 {
			t.Errorf("remembered %+v", r)
		}
		got = append(got, r.Target+string(r.Body))
	}
	if diff := cmp.Diff([]string{"c" + to("c"), "d" + to("d"), "e" + to("e")}, got); diff != "" {
		t.Error(diff)
	}
}

func TestASlowSubscriberMissesRequestsAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	heard, stop := s.Subscribe(1)
	defer stop()
	push(t, c, s, to("a"))
	push(t, c, s, to("b"))
	if got := s.Stats().Missed; got != 1 || (<-heard).Target != "a" {
		t.Errorf("missed %d, want one", got)
	}
}
