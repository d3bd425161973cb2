package fcm_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/fcm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTheLogLine: programs read it.
func TestTheLogLine(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer // requests come one after the other
	s := start(t, fcm.Options{Options: fake.Options{Log: &log}})
	c := client(t)
	push(t, c, s, `{"validate_only":true,"message":{"token":"secret","data":{"content":"dear Bob"}}}`)
	push(t, c, s, `{"message":{"topic":"news"}}`)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	var first, second map[string]any
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[1]), &second) != nil {
		t.Fatalf("the log says %q", lines)
	}
	want := []string{"accepted", "answer", "bytes", "conn", "dry_run", "id", "nth", "number", "project", "status", "stream", "target", "time"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(first))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if first["accepted"] != false || first["dry_run"] != true || first["project"] != "demo" || second["target"] != "/topics/news" || second["accepted"] != true {
		t.Errorf("the log says %s", lines)
	}
	if strings.Contains(lines[0], "secret") || strings.Contains(lines[0], "Bob") {
		t.Errorf("the log tells %s", lines[0])
	}
}

// TestGoAwayTakesTheMessage: its answer has an id, as any other that is taken.
func TestGoAwayTakesTheMessage(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `{"answer":"goaway"}`)}})
	if got := push(t, client(t), s, to("a")); got.status != 200 || !strings.Contains(got.body, "projects/demo/messages/") || s.Stats().Accepted != 1 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := fcm.Start(fcm.Options{Options: fake.Options{Addr: "nowhere"}, ProjectPerMinute: -1})
	for _, want := range []string{"start the fake FCM: ", "write host:port", "quotas can't be negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
