package importer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

func TestHandlerPublishesThroughARegistry(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := stream(t, dial(t, b.URL()), nil)
	var registry push.Registry
	registry.Register("pushworker", publisher.NewHandler(func(_ *push.Receipt, err error) { t.Error(err) }))
	config := fmt.Sprintf(`[{"name":"pushworker","config":{"url":%q,"subject":"push.receipts.eu"}}]`, b.URL())
	if err := registry.Init(config); err != nil {
		t.Fatal(err)
	}
	defer registry.Stop()
	registry.Push(message(7))
	waitFor(t, "the receipt", func() bool { return count(t, s) == 1 })
	if got := stored(t, s)[0]; got.Subject != "push.receipts.eu" || got.Header.Get("Nats-Msg-Id") != publisher.DedupID(message(7)) {
		t.Errorf("stored %s with %v", got.Subject, got.Header)
	}
}

// TestHandlerGoesOnWithTheTrace: a receipt is published with the trace that follows it, or else
// that of the queue it comes from; one without a trace gets none.
func TestHandlerGoesOnWithTheTrace(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := stream(t, dial(t, b.URL()), nil)
	h := publisher.NewHandler(func(_ *push.Receipt, err error) { t.Error(err) })
	if err := h.Init(fmt.Sprintf(`{"url":%q}`, b.URL())); err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	const queued, followed = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
	origin := &push.Delivery{Stream: "OTHER", Seq: 7, Header: map[string][]string{"TraceParent": {queued}, "TRACESTATE": {"a=b"}, "Other": {"1"}}}
	plain, fromQueue, both := message(1), message(2), message(3)
	fromQueue.Stamp(origin)
	both.Stamp(origin)
	both.Follow(follower(followed))
	for i, r := range []*push.Receipt{plain, fromQueue, both} {
		h.Push() <- r
		waitFor(t, "the receipt", func() bool { return count(t, s) == i+1 })
	}
	var got []string
	for _, m := range stored(t, s) {
		got = append(got, m.Header.Get("traceparent")+" "+m.Header.Get("tracestate")+m.Header.Get("Other"))
	}
	if diff := cmp.Diff([]string{" ", queued + " a=b", followed + " "}, got); diff != "" {
		t.Errorf("traces of what is stored (-want +got):\n%s", diff)
	}
}

// follower is a trace of the chat server's.
type follower string

func (f follower) Context() (parent, state string) { return string(f), "" }
func (follower) Requested(push.Request)            {}

func TestHandlerOutlivesABrokerThatIsDown(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	b.Stop(t)
	h := publisher.NewHandler(nil)
	if err := h.Init(fmt.Sprintf(`{"url":%q}`, b.URL())); err != nil {
		t.Fatalf("Init without a broker: %v", err)
	}
	defer h.Stop()
	if !h.IsReady() {
		t.Error("handler is not ready while the broker is down")
	}
	done := make(chan error, 1)
	r := message(1)
	r.OnDone(func(err error) { done <- err })
	h.Push() <- r

	b.Restart(t)
	s := stream(t, dial(t, b.URL()), nil)
	if err := <-done; err != nil {
		t.Errorf("done with %v", err)
	}
	if n := count(t, s); n != 1 {
		t.Errorf("%d receipts stored", n)
	}
}

func TestHandlerReportsFailures(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nowhere := fmt.Sprintf(`{"url":%q,"keep":"5s"}`, b.URL()) // as long as it may take to connect
	big := message(2)
	big.Payload.Content = strings.Repeat("x", 2<<20)

	for _, tt := range []struct {
		name    string
		config  string
		receipt *push.Receipt
		want    error
		as      func(error) bool
	}{
		{"no stream", nowhere, message(1), publisher.ErrNoStream, is[*push.UnavailableError]},
		{"too large", fmt.Sprintf(`{"url":%q}`, b.URL()), big, publisher.ErrTooLarge, is[*push.PermanentError]},
		{"no broker", `{"url":"nats://127.0.0.1:1","keep":"300ms"}`, message(3), publisher.ErrUnavailable, is[*push.UnavailableError]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			told := make(chan error, 1)
			h := publisher.NewHandler(func(_ *push.Receipt, err error) { told <- err })
			if err := h.Init(tt.config); err != nil {
				t.Fatal(err)
			}
			defer h.Stop()
			done := make(chan error, 1)
			tt.receipt.OnDone(func(err error) { done <- err })
			h.Push() <- tt.receipt
			if err := <-told; !errors.Is(err, tt.want) {
				t.Errorf("told of %v, want %v", err, tt.want)
			}
			if err := <-done; !tt.as(err) {
				t.Errorf("done with %T %v", err, err)
			}
		})
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestHandlerRefusesConfig(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	seed := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(seed, []byte("no seed"), 0o600); err != nil {
		t.Fatal(err)
	}
	for config, says := range map[string][]string{
		`{"ulr":"nats://x"}`: {"ulr", "url"},
		`{"subject":"push.>","creds_file":"` + missing + `"}`: {"push.>", "creds_file", missing},
		`{"creds_file":"a","nkey_file":"b"}`:                  {"creds_file", "nkey_file"},
		`{"nkey_file":"` + seed + `"}`:                        {"nkey_file"},
		`{"cert_file":"a"}`:                                   {"key_file"},
		`{"ca_file":"` + missing + `"}`:                       {missing},
		`{"url":"nats://u:s3cret@[::1"}`:                      {"url"},
	} {
		h := publisher.NewHandler(nil)
		err := h.Init(config)
		if err == nil {
			h.Stop()
			t.Errorf("%s: no error", config)
			continue
		}
		for _, word := range says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", config, err, word)
			}
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error shows the password: %v", config, err)
		}
	}
}

func TestHandlerConforms(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	stream(t, nc, nil)
	// The suite's receipts are all of one event, which the stream stores once.
	var sent atomic.Int64
	if _, err := nc.Subscribe("push.receipts", func(*nats.Msg) { sent.Add(1) }); err != nil {
		t.Fatal(err)
	}
	pushtest.TestHandler(t, pushtest.Subject{
		New: func(testing.TB) (push.Handler, func() int) {
			return publisher.NewHandler(nil), func() int { return int(sent.Load()) }
		},
		Config:  fmt.Sprintf(`{"url":%q,"buffer":16}`, b.URL()),
		Invalid: []string{`{"url":1}`, `{"subject":"push.*"}`, `{"creds_file":"a","nkey_file":"b"}`, `[]`},
	})
}
