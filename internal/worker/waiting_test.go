package worker_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// deadline is how long a test waits for what must happen.
const deadline = time.Minute

// A worker that waits for its broker is alive and not ready; when the broker comes
// it is ready, and when a stream goes it is not any more.
func TestWorkerIsAliveWhileItWaitsAndReadyWhenItWorks(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	b.Stop(t)
	admin := "http://" + start(t, b.URL())
	wantAnswer(t, admin+"/livez", http.StatusOK, "ok")
	wantAnswer(t, admin+"/readyz", http.StatusServiceUnavailable, "[-] broker: waiting for the broker")
	wantAnswer(t, admin+"/status", http.StatusOK, "waiting for the broker")
	wantAnswer(t, admin+"/metrics", http.StatusOK, "pushworker_build_info")

	b.Restart(t)
	wantAnswer(t, admin+"/readyz?verbose", http.StatusOK, "[+] streams\n[+] storing\n[+] devices\n[+] users\n[+] lane quiet\n")
	wantAnswer(t, admin+"/metrics", http.StatusOK, "pushworker_lane_in_flight")

	b.DeleteStream(t, "PUSH_DEAD")
	wantAnswer(t, admin+"/readyz", http.StatusServiceUnavailable, "[-] streams: looking at stream PUSH_DEAD")
	wantAnswer(t, admin+"/livez", http.StatusOK, "ok")
}

// start runs a worker until the test ends and returns its admin address.
func start(t *testing.T, url string) (admin string) {
	t.Helper()
	return setup{url: url}.start(t)
}

// setup is a worker with a handler that takes everything.
type setup struct {
	url   string            // empty: its own broker
	state func() push.State // what the handler says of itself
	log   io.Writer
	env   []string
	fails int64    // so many receipts, before it takes any
	lanes []string // names of handlers; none: one, quiet
}

func (s setup) start(t *testing.T) (admin string) {
	t.Helper()
	admin = address.For(t)
	if s.lanes == nil {
		s.lanes = []string{"quiet"}
	}
	if s.url != "" {
		s.env = append(s.env, "PUSHWORKER_NATS_URL="+s.url)
	}
	c, err := config.Load(append([]string{
		"PUSHWORKER_ADMIN_ADDR=" + admin,
		"PUSHWORKER_HANDLERS=" + entries(s.lanes), "PUSHWORKER_MAX_BYTES=64MiB", "PUSHWORKER_DEAD_MAX_BYTES=64MiB",
	}, s.env...), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var failed atomic.Int64
	go func() {
		ended <- worker.Worker{
			Config: c, Banner: io.Discard, Log: zerolog.New(s.log),
			Plugins: func(r *push.Registry, _ push.Directory) {
				for _, name := range s.lanes {
					r.Register(name, push.Adapt(func(string) (push.Work, error) {
						return push.Work{Handle: func(context.Context, *push.Receipt) error { return s.handle(&failed) }, State: s.state}, nil
					}))
				}
			},
		}.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the worker ends with %v", err)
		}
	})
	return admin
}

// handle fails as often as it shall.
func (s setup) handle(failed *atomic.Int64) error {
	if failed.Add(1) <= s.fails {
		return errors.New("not this time")
	}
	return nil
}

// entries is PUSHWORKER_HANDLERS of handlers without a config.
func entries(names []string) string {
	return `[{"name":"` + strings.Join(names, `"},{"name":"`) + `"}]`
}

// wantAnswer waits until a route answers like that.
func wantAnswer(t *testing.T, url string, code int, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := "no answer"
	for end := time.Now().Add(deadline); time.Now().Before(end); <-tick.C {
		resp, err := http.Get(url)
		if err != nil {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // only read
		if last = resp.Status + " " + string(body); err == nil && resp.StatusCode == code && strings.Contains(last, text) {
			return
		}
	}
	t.Fatalf("%s answers %s, want %d with %q", url, last, code, text)
}
