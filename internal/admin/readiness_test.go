package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/admin"
)

// TestReadinessSaysWhenItChanges: the gauge follows the checks, a scrape does not
// run them, and only a change is logged.
func TestReadinessSaysWhenItChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fault atomic.Pointer[error]
		var log bytes.Buffer
		var runs atomic.Int64
		r := &admin.Readiness{Log: zerolog.New(&log), Checks: []admin.Check{{Name: "broker", Run: func(context.Context) error {
			runs.Add(1)
			if err := fault.Load(); err != nil {
				return *err
			}
			return nil
		}}}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		if got := ready(t, r); got != 0 {
			t.Errorf("before the first checks pushworker_ready is %v", got)
		}
		go func() { ended <- r.Run(ctx) }()
		for _, step := range []struct {
			fault error
			want  float64
		}{{nil, 1}, {nil, 1}, {errors.New("not connected"), 0}, {errors.New("not connected"), 0}, {nil, 1}} {
			fault.Store(nil)
			if step.fault != nil {
				fault.Store(&step.fault)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if got := ready(t, r); got != step.want {
				t.Errorf("with %v pushworker_ready is %v, want %v", step.fault, got, step.want)
			}
		}
		if n := runs.Load(); n != 10 { // at the start, every five seconds, and every second while they fail
			t.Errorf("the checks ran %d times in 25 s, want 10", n)
		}
		stop()
		if err := <-ended; err != nil || ready(t, r) != 0 {
			t.Errorf("Run = %v, and pushworker_ready is %v after it", err, ready(t, r))
		}
		if diff := cmp.Diff([]string{"ready", "not ready: see the failed checks", "ready"}, messages(t, &log)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func ready(t *testing.T, r *admin.Readiness) float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(r.Gauge())
	families, err := reg.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "pushworker_ready" {
		t.Fatalf("Gather = %v, %v", families, err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}

// messages are the messages of a log in JSON.
func messages(t *testing.T, log *bytes.Buffer) []string {
	t.Helper()
	var all []string
	for line := json.NewDecoder(log); line.More(); {
		var entry struct {
			Message string `json:"message"`
		}
		if err := line.Decode(&entry); err != nil {
			t.Fatal(err)
		}
		all = append(all, entry.Message)
	}
	return all
}
