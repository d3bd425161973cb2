package outcome_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// sink is where a recorder publishes.
type sink struct {
	mu       sync.Mutex
	messages []string
	events   []outcome.Event
	fails    error
}

func (s *sink) publish(handler string, lines []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.messages = append(s.messages, handler+"\n"+string(lines))
	for e, err := range outcome.Read(lines) {
		if err != nil {
			return err
		}
		s.events = append(s.events, e)
	}
	return nil
}

func mask(token string) string { return fmt.Sprintf("%08x", len(token)) }

// record runs a recorder on s until f returns, and returns how many it dropped.
func record(t *testing.T, s *sink, f func(consumer.Observer)) (dropped float64) {
	t.Helper()
	reg := prometheus.NewRegistry()
	r := outcome.New(outcome.Options{Publish: s.publish, Hash: mask}, reg)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	f(r.Observer())
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "pushworker_events_dropped_total" {
		t.Fatalf("metrics are %v, %v", families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

func TestEvent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	alice := push.Uid(1000)
	told := consumer.Outcome{
		At: at, Handler: "fcm", Verdict: retry.Redeliver, Attempts: 2, Delay: 1500 * time.Millisecond,
		Error: "FCM answered 503",
		Origin: consumer.Origin{
			Stream: "PUSH_RETRY", Seq: 4, RootStream: "PUSH", RootSeq: 17, First: at.Add(-time.Minute), Subject: "push.receipts",
		},
		Users:  []push.Uid{alice},
		Counts: push.Targets{Accepted: 1, Retried: 1},
		Targets: []push.Target{
			{Device: push.Device{User: alice, ID: "phone", Provider: "fcm", Platform: "ios", Token: "secret"}, Result: push.ResultAccepted},
			{Channel: "chnX", Result: push.ResultRetried, Why: "FCM answered 503", UniqueID: "a-b-1"},
		},
	}
	var s sink
	record(t, &s, func(w consumer.Observer) { w.Tell(told) })
	want := `fcm
{"at":"2026-11-25T02:00:00Z","handler":"fcm","verdict":"redeliver","stream":"PUSH","stream_seq":17,` +
		`"published":"2026-11-25T01:59:00Z","attempt":2,"next":"2026-11-25T02:00:01.5Z","error":"FCM answered 503",` +
		`"users":["` + alice.String() + `"],"accepted":1,"retried":1,"targets":[` +
		`{"user":"` + alice.String() + `","id":"phone","provider":"fcm","platform":"ios","token_hash":"00000006","result":"accepted"},` +
		`{"channel":"chnX","result":"retried","why":"FCM answered 503","unique_id":"a-b-1"}]}
`
	if diff := cmp.Diff([]string{want}, s.messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// TestBatches: what is told together is published together, per handler.
func TestBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s sink
		dropped := record(t, &s, func(w consumer.Observer) {
			for i := range 20 {
				w.Tell(consumer.Outcome{Handler: []string{"fcm", "stdout"}[i%2], Verdict: retry.Bury, Reason: retry.Age})
			}
			<-time.After(time.Second)
			synctest.Wait()
			if len(s.messages) != 2 {
				t.Errorf("%d messages, want one for each handler", len(s.messages))
			}
			w.Tell(consumer.Outcome{Handler: "fcm", Verdict: retry.Ack})
		})
		if len(s.messages) != 3 || len(s.events) != 21 || dropped != 0 {
			t.Errorf("%d messages with %d events, %v dropped; want 3, 21, none", len(s.messages), len(s.events), dropped)
		}
	})
}

// TestBounds: a message and an event grow so large and no larger; what is of
// interest is what remains.
func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events = 8
		var s sink
		crowd := consumer.Outcome{Handler: "fcm", Verdict: retry.Ack, Error: strings.Repeat("é", 5000)}
		for i := range 1000 {
			user := push.Uid(i + 1)
			crowd.Users = append(crowd.Users, user)
			result := push.ResultAccepted
			if i == 999 {
				result = push.ResultGone
			}
			crowd.Targets = append(crowd.Targets, push.Target{Device: push.Device{User: user, ID: "phone"}, Result: result})
		}
		record(t, &s, func(w consumer.Observer) {
			for range events {
				w.Tell(crowd)
			}
		})
		if len(s.events) != events {
			t.Fatalf("%d events, want %d", len(s.events), events)
		}
		for _, m := range s.messages {
			if len(m) > 80<<10 {
				t.Errorf("a message has %d bytes", len(m))
			}
		}
		e := s.events[0]
		if len(e.Users) != 256 || len(e.Targets) != 256 || e.Unlisted != 2*(1000-256) || e.Targets[0].Result != "gone" || len(e.Error) > 1100 {
			t.Errorf("%d users, %d targets, the first %s, %d unlisted, error of %d bytes",
				len(e.Users), len(e.Targets), e.Targets[0].Result, e.Unlisted, len(e.Error))
		}
		if crowd.Targets[0].Result != push.ResultAccepted {
			t.Error("the targets of others were reordered")
		}
	})
}

// TestDrops: who tells never waits, whatever the broker does; what is lost is
// counted.
func TestDrops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const told = 40_000
		stuck := make(chan struct{})
		published := 0
		reg := prometheus.NewRegistry()
		r := outcome.New(outcome.Options{Hash: mask, Publish: func(_ string, lines []byte) error {
			<-stuck
			published += strings.Count(string(lines), "\n")
			return nil
		}}, reg)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		r.Observer().Tell(consumer.Outcome{Handler: "fcm"})
		<-time.After(time.Second)
		synctest.Wait() // the first is on its way and stuck
		for range told - 1 {
			r.Observer().Tell(consumer.Outcome{Handler: "fcm"})
		}
		close(stuck)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		dropped := int(families[0].GetMetric()[0].GetCounter().GetValue())
		if dropped == 0 || published+dropped != told {
			t.Errorf("%d published and %d dropped of %d", published, dropped, told)
		}
	})
}

func TestUnpublishedIsDropped(t *testing.T) {
	t.Parallel()
	s := sink{fails: errors.New("no connection")}
	if dropped := record(t, &s, func(w consumer.Observer) {
		for range 7 {
			w.Tell(consumer.Outcome{Handler: "fcm"})
		}
	}); dropped != 7 {
		t.Errorf("%v dropped, want 7", dropped)
	}
}

// TestReadGoesOn: what is no event does not hide the others.
func TestReadGoesOn(t *testing.T) {
	t.Parallel()
	var good, bad int
	for e, err := range outcome.Read([]byte("{\"handler\":\"a\"}\nnonsense\n{\"handler\":\"a\"}")) {
		switch {
		case err != nil:
			bad++
		case e.Handler == "a":
			good++
		}
	}
	if good != 2 || bad != 1 {
		t.Errorf("%d events and %d faults", good, bad)
	}
}

// TestEncoding: what is written by hand is what encoding/json would write of an
// [outcome.Event], so the type says it all.
func TestEncoding(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 120_000_000, time.FixedZone("", 3600))
	device := push.Device{User: 1001, ID: `a "b" <c>`, Provider: "fcm", Platform: "web", Token: "t", Lang: "de", Registered: at}
	full := consumer.Outcome{
		At: at, Handler: "fcm", Verdict: retry.Bury, Attempts: 3, Delay: time.Second, Reason: retry.Panic,
		Error:  "line\nbreak \x1b[31m é \xff",
		Origin: consumer.Origin{RootStream: "PUSH", RootSeq: 1 << 60, First: at},
		Users:  []push.Uid{1000, 1001},
		Counts: push.Targets{Accepted: 1, Skipped: 2, Gone: 3, Rejected: 4, Retried: 5},
		Targets: []push.Target{
			{Device: device, Result: push.ResultGone, Why: "unregistered"},
			{Channel: "chnX", Result: push.ResultAccepted},
			{Device: push.Device{User: 1000}, Result: push.ResultSkipped, Why: "no device"},
			{Result: push.ResultSkipped},
		},
	}
	for i := range 300 {
		full.Targets = append(full.Targets, push.Target{Device: push.Device{User: push.Uid(i + 1), ID: "x"}, Result: push.ResultAccepted})
	}
	for name, o := range map[string]consumer.Outcome{"full": full, "empty": {At: at, Origin: consumer.Origin{First: at}}} {
		var s sink
		record(t, &s, func(w consumer.Observer) { w.Tell(o) })
		want, err := json.Marshal(s.events[0])
		if err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(strings.TrimSuffix(s.messages[0], "\n"), "\n")
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-encoding/json +got):\n%s", name, diff)
		}
		if o.Reason != 0 && slices.Contains(strings.Split(got, `"`), "t") {
			t.Errorf("%s holds the token", name)
		}
	}
}
