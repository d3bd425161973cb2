package fakefcm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fakefcm"
)

// ask calls a path of the server, without credentials.
func ask(t *testing.T, c *http.Client, s *fakefcm.Server, method, path, body string) reply {
	t.Helper()
	r := request(t, method, s.URL()+path, body)
	r.Header.Del("Authorization")
	got, err := do(c, r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTheServerIsWatchedAndSteeredFromOutside(t *testing.T) {
	t.Parallel()
	s := start(t, fakefcm.Options{})
	c := client(t, s)
	if got := ask(t, c, s, http.MethodPost, "/fake/script", `{"rules":[{"token":"b*","answer":"unregistered"}]}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	push(t, c, s, to("a"))
	push(t, c, s, to("bad"))
	var stats struct {
		fakefcm.Stats

		Targets map[string]fakefcm.TargetCount
	}
	if err := json.Unmarshal([]byte(ask(t, c, s, http.MethodGet, "/fake/stats?targets", "").body), &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Requests != 2 || stats.Accepted != 1 || stats.Status["404"] != 1 || stats.Answers["unregistered"] != 1 || len(stats.Targets) != 2 {
		t.Errorf("stats %+v", stats)
	}
	if got := ask(t, c, s, http.MethodGet, "/fake/script", ""); !strings.Contains(got.body, `"token":"b*"`) {
		t.Errorf("the script is shown as %s", got.body)
	}
	lines := strings.Split(strings.TrimSpace(ask(t, c, s, http.MethodGet, "/fake/requests?limit=1", "").body), "\n")
	if len(lines) != 1 || !strings.Contains(lines[0], `"answer":"unregistered"`) || !strings.Contains(lines[0], `"rule":"rule-1"`) {
		t.Errorf("the last request is shown as %q", lines)
	}
	if got := ask(t, c, s, http.MethodPost, "/fake/reset", ""); got.status != 200 || s.Stats().Requests != 0 || len(s.Requests()) != 0 || len(s.Counts()) != 0 {
		t.Errorf("%d, %+v after a reset", got.status, s.Stats())
	}
	if got := push(t, c, s, to("bad")); got.status != 404 {
		t.Errorf("%d after a reset, want the script to go on", got.status)
	}
}

func TestConnectionsAreTreatedSaveTheOneThatAsks(t *testing.T) {
	t.Parallel()
	s := start(t, fakefcm.Options{})
	push(t, client(t, s), s, to("a"))
	got := ask(t, speak(t, s, true), s, http.MethodPost, "/fake/connections?do=cut", "")
	if got.status != 200 || got.body != "1 connections\n" {
		t.Errorf("%d %q", got.status, got.body)
	}
}

func TestRevokedFromOutside(t *testing.T) {
	t.Parallel()
	s := start(t, fakefcm.Options{})
	c := client(t, s)
	a, key := newAccount(t, s)
	_, body := exchange(t, c, a.TokenURI, sign(t, key, a.claims()))
	ask(t, c, s, http.MethodPost, "/fake/revoke", "")
	if got := pushAs(t, c, s, "Bearer "+body["access_token"].(string)); got.status != 401 {
		t.Errorf("%d, want 401", got.status)
	}
}

func TestAdminFaultsSayWhatThereIs(t *testing.T) {
	t.Parallel()
	s := start(t, fakefcm.Options{})
	c := client(t, s)
	for _, q := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{http.MethodGet, "/fake/nothing", "", 404, "GET /fake/stats"},
		{http.MethodPost, "/fake/script", `{"rules":[{"answer":"x"}]}`, 400, "no answer"},
		{http.MethodPost, "/fake/connections?do=paint", "", 400, "goaway, close, cut or freeze"},
		{http.MethodGet, "/fake/requests?limit=-1", "", 400, "limit"},
		{http.MethodGet, "/fake/stats?%zz", "", 400, "query"},
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
	s := start(t, fakefcm.Options{Script: script(t, `
		{"endpoint":"iid","token":"gone","answer":"unregistered"}, {"endpoint":"iid","token":"often","answer":"quota-device"},
		{"endpoint":"iid","token":"odd","answer":"internal"}, {"endpoint":"iid","conn_nth":4,"answer":"unavailable"}`)})
	c := client(t, s)
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
	s := start(t, fakefcm.Options{Keep: 3})
	c := client(t, s)
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
	s := start(t, fakefcm.Options{})
	c := client(t, s)
	heard, stop := s.Subscribe(1)
	defer stop()
	push(t, c, s, to("a"))
	push(t, c, s, to("b"))
	if got := s.Stats().Missed; got != 1 || (<-heard).Target != "a" {
		t.Errorf("missed %d, want one", got)
	}
}
