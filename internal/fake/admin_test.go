package fake_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/fake"
)

func TestTheServerIsWatchedAndSteeredFromOutside(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{})
	c := client(t, s)
	if got := ask(t, c, s, http.MethodPost, "/fake/script", `{"rules":[{"token":"b*","answer":"unregistered"}]}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	push(t, c, s, "a")
	push(t, c, s, "bad")
	var stats struct {
		fake.Stats

		Targets map[string]fake.TargetCount
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
	if got := push(t, c, s, "bad"); got.status != 404 {
		t.Errorf("%d after a reset, want the script to go on", got.status)
	}
}

func TestConnectionsAreTreatedSaveTheOneThatAsks(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{})
	push(t, client(t, s), s, "a")
	got := ask(t, speak(t, s, true), s, http.MethodPost, "/fake/connections?do=cut", "")
	if got.status != 200 || got.body != "1 connections\n" {
		t.Errorf("%d %q", got.status, got.body)
	}
}

func TestAdminFaultsSayWhatThereIs(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{})
	c := client(t, s)
	for _, q := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{http.MethodGet, "/fake/nothing", "", 404, "GET /fake/stats"},
		{http.MethodPost, "/fake/revoke", "", 404, "GET /fake/stats"}, // a echo issues no tokens
		{http.MethodPost, "/fake/script", `{"rules":[{"answer":"x"}]}`, 400, "no answer"},
		{http.MethodPost, "/fake/connections?do=paint", "", 400, "goaway, close, cut or freeze"},
		{http.MethodGet, "/fake/requests?limit=-1", "", 400, "limit"},
		{http.MethodGet, "/fake/stats?%zz", "", 400, "query"},
	} {
		got := ask(t, c, s, q.method, q.path, q.body)
		if got.status != q.status || !strings.Contains(got.body, q.text) || strings.Contains(got.body, "revoke") {
			t.Errorf("%s %s: %d %s", q.method, q.path, got.status, got.body)
		}
	}
}
