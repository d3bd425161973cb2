package admin_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker/status"
)

func moment() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func sample() admin.Sample {
	return admin.Sample{
		Time:     moment(),
		Handlers: []string{"stdout", "fcm"},
		Stats: status.Stats{
			Lanes:   []status.LaneStats{{Handler: "stdout", Pending: 7, InFlight: 2, RetriesWaiting: 3}},
			Streams: []status.StreamStats{{Stream: "PUSH", Messages: 9, Bytes: 512, MaxBytes: -1}},
		},
		Err: errors.New("ask for lane fcm: permission denied"),
	}
}

func process() *admin.Process {
	return &admin.Process{Version: "v1", PID: 42, Started: moment()}
}

func TestStatusIsFlatAndOmitsWhatIsUnknown(t *testing.T) {
	t.Parallel()
	s := admin.NewStatus(sample(), process(), map[string]admin.LaneState{"fcm": {Held: 1, Dropped: 5, BreakerOpen: true}})
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Lanes    []map[string]any `json:"lanes"`
		Process  map[string]any   `json:"process"`
		Problems []string         `json:"problems"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	wantLanes := []map[string]any{
		{
			"handler": "stdout", "pending": 7.0, "delivered": 0.0, "in_flight": 2.0, "redelivered": 0.0, "retries_waiting": 3.0, "scheduled": 0.0,
			"due": 0.0, "suspects": 0.0, "oldest_pending_seconds": 0.0, "paused": false,
		},
		{"handler": "fcm", "held": 1.0, "dropped": 5.0, "breaker_open": true},
	}
	if diff := cmp.Diff(wantLanes, got.Lanes); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
	if got.Process["version"] != "v1" || got.Process["pid"] != 42.0 {
		t.Errorf("process is %v", got.Process)
	}
	if diff := cmp.Diff([]string{"ask for lane fcm: permission denied"}, got.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestEmptyStatusHasLists(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(admin.NewStatus(admin.Sample{Time: moment()}, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2026-11-24T12:00:00Z","lanes":[],"streams":[]}`
	if string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestClientReadsWhatTheServerWrites(t *testing.T) {
	t.Parallel()
	states := map[string]admin.LaneState{"fcm": {Held: 1, Dropped: 5, BreakerOpen: true}}
	want := admin.NewStatus(sample(), process(), states)
	addr := serve(t, admin.Options{Addr: "0.0.0.0:0", Token: "s3cret", Status: func() admin.Status { return want }})
	want.Lanes[0].LaneStats.Handler = "" // the lane's own name is the one in the document
	got, err := admin.NewClient("http://"+addr, "s3cret", "").Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(states, got.States()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestClientSaysWhy(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/status" {
			http.Redirect(w, r, "/livez", http.StatusFound)
		}
	}))
	t.Cleanup(elsewhere.Close)
	tests := map[string]struct{ base, want string }{
		"refused":  {"http://" + serve(t, admin.Options{Addr: "0.0.0.0:0"}), "PUSHWORKER_ADMIN_TOKEN"},
		"moved":    {elsewhere.URL, "302"},
		"nobody":   {"http://127.0.0.1:1", "is the worker running"},
		"nonsense": {"http://127.0.0.1:x", "PUSHWORKER_ADMIN_ADDR"},
	}
	for name, test := range tests {
		_, err := admin.NewClient(test.base, "", "").Status(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}
