package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	policy "github.com/pushworker/pushworker/internal/retry"
)

func TestScheduledRetryComesBackInTimeWithItsStory(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Store(t, "push.receipts.a", "original", nats.Header{
		"traceparent": {"00-abc-def-01"}, "Push-Expires": {"2030-01-02T03:04:05Z"}, "Push-Waited": {"10800"}, "Nats-Msg-Id": {"m1"},
	})
	fresh := brokertest.PullOne(t, r.Lane.Fresh).Origin()
	if fresh.Waited != 3*time.Hour {
		t.Errorf("the publisher has waited %s, want 3h", fresh.Waited)
	}
	const delay = 1300 * time.Millisecond
	retry := consumer.Retry{Handler: "fcm", Data: []byte("narrowed"), Delay: delay, Error: "no", Reason: policy.Attempts, Origin: *fresh}
	retry.Origin.Attempts, retry.Origin.Traced = 3, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	before := time.Now()
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), retry); err != nil {
		t.Fatal(err)
	}
	if h := r.Stored(t, "PUSH_RETRY")[0].Header; h.Get("Push-Reason") != "attempts" || h.Get("Push-Error") != "no" {
		t.Errorf("headers are %v", h)
	}
	m := brokertest.PullOne(t, r.Lane.Retries)
	if waited := time.Since(before); waited < delay {
		t.Errorf("came back %s after, which is early for a delay of %s", waited, delay)
	}
	if string(m.Data()) != "narrowed" {
		t.Errorf("data is %q", m.Data())
	}
	got := *m.Origin()
	want := *fresh
	want.Attempts, want.Traced = 3, retry.Origin.Traced
	want.Stream, want.Seq, want.Stored = "PUSH_RETRY", got.Seq, got.Stored
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
	if got.Seq == 0 || !got.Stored.After(fresh.Stored) {
		t.Errorf("stored as %d at %s", got.Seq, got.Stored)
	}
	brokertest.Eventually(t, "the retry stream is empty", func() bool { return len(r.Stored(t, "PUSH_RETRY")) == 0 })
}

// Whole seconds are the trap: the client's own helper cuts fractions off and
// fires up to a second early.
func TestScheduleIsNeverEarly(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	const n = 40
	r.Publish(t, n)
	s := queue.NewScheduler(r.Conn, r.Topology)
	due := make(map[uint64]time.Time)
	_, err := r.Lane.Fresh.Pull(t.Context(), n, 0, nil, func(m consumer.Message) {
		delay := time.Duration(m.Origin().Seq) * 37 * time.Millisecond
		due[m.Origin().Seq] = time.Now().Add(delay)
		if err := s.Schedule(t.Context(), brokertest.RetryOf(m, delay)); err != nil {
			t.Error(err)
		}
		brokertest.Ack(t, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Lane.Retries.Pull(t.Context(), n, 0, nil, func(m consumer.Message) {
		if o := m.Origin(); time.Now().Before(due[o.RootSeq]) {
			t.Errorf("retry of %d is %s early", o.RootSeq, time.Until(due[o.RootSeq]))
		}
		brokertest.Ack(t, m)
	})
	if got != n || err != nil {
		t.Errorf("Pull = %d, %v", got, err)
	}
}

func TestScheduleTargets(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"at once": 0, "later": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			r.Publish(t, 1)
			retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), delay)
			retry.Origin.Alone = true
			if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), retry); err != nil {
				t.Fatal(err)
			}
			o := brokertest.PullOne(t, r.Lane.Suspects).Origin()
			if !o.Alone || o.Attempts != 1 || o.RootSeq != 1 {
				t.Errorf("suspect has origin %+v", o)
			}
			retry.Origin = *o
			retry.Origin.Alone = false
			if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), retry); err != nil {
				t.Fatal(err)
			}
			if o := brokertest.PullOne(t, r.Lane.Retries).Origin(); o.Alone || o.RootSeq != 1 {
				t.Errorf("retry has origin %+v", o)
			}
		})
	}
}

// A crash between the confirmation and the ack makes a lane settle the same
// message twice.
func TestSchedulingTheSameAttemptTwiceStoresItOnce(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"at once": 0, "later": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			r.Publish(t, 2)
			s := queue.NewScheduler(r.Conn, r.Topology)
			for range 2 {
				retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), delay)
				for range 3 {
					if err := s.Schedule(t.Context(), retry); err != nil {
						t.Fatal(err)
					}
				}
			}
			if n := len(r.Stored(t, "PUSH_RETRY")); n != 2 {
				t.Errorf("%d retries are stored, want 2", n)
			}
		})
	}
}

// Parts of a retry share an attempt, and a subject takes one schedule only.
func TestPartsOfARetryAreSeveral(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"at once": 0, "later": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			r.Publish(t, 1)
			s := queue.NewScheduler(r.Conn, r.Topology)
			retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), delay)
			for _, part := range []string{"a", "b", "a"} {
				retry.Part = part
				if err := s.Schedule(t.Context(), retry); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(r.Stored(t, "PUSH_RETRY")); n != 2 {
				t.Errorf("%d parts are stored, want 2", n)
			}
		})
	}
}

// A retry that is handed back without an attempt is another message and must not
// be taken for the one before.
func TestSchedulingAgainWithoutAnAttemptIsNotADuplicate(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 1)
	s := queue.NewScheduler(r.Conn, r.Topology)
	if err := s.Schedule(t.Context(), brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), 0)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m := brokertest.PullOne(t, r.Lane.Retries)
		if err := s.Schedule(t.Context(), consumer.Retry{Handler: "fcm", Data: m.Data(), Origin: *m.Origin()}); err != nil {
			t.Fatal(err)
		}
	}
	if o := brokertest.PullOne(t, r.Lane.Retries).Origin(); o.Attempts != 1 {
		t.Errorf("attempts are %d, want 1", o.Attempts)
	}
}

func TestScheduleOverAStreamThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 1)
	s := queue.NewScheduler(r.Conn, r.Topology)
	if err := s.Schedule(t.Context(), brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := r.JetStream.DeleteStream(t.Context(), "PUSH"); err != nil {
		t.Fatal(err)
	}
	if _, err := topology.Provision(t.Context(), r.Conn, r.Topology); err != nil {
		t.Fatal(err)
	}
	r.Publish(t, 1) // sequence 1 again
	if err := s.Schedule(t.Context(), brokertest.RetryOf(brokertest.PullOne(t, brokertest.BindLane(t, r.Conn, r.Topology).Fresh), time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n := len(r.Stored(t, "PUSH_RETRY")); n != 2 {
		t.Errorf("%d retries are stored, want 2", n)
	}
}

func TestRetryHeadersAreCleanedAndBounded(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 1)
	retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), 0)
	retry.Error = "line\r\nPush-Handler: evil\x00\x1b[31m \xff" + strings.Repeat("é", 2000)
	retry.Origin.Header = map[string][]string{
		"traceparent":   {"ok\r\nNats-Schedule: @every 1s"},
		"bad name\r\nX": {"v"}, "Nats-TTL": {"1s"}, "push-attempt": {"99"}, "Big": {strings.Repeat("x", 60_000)},
	}
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), retry); err != nil {
		t.Fatal(err)
	}
	h := r.Stored(t, "PUSH_RETRY")[0].Header
	text := h.Get("Push-Error")
	if len(text) > 1024 || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00\x1b") {
		t.Errorf("Push-Error is not clean: %q", text)
	}
	if !strings.HasPrefix(text, "line  Push-Handler: evil") {
		t.Errorf("Push-Error is %q", text)
	}
	for name, want := range map[string]string{
		"Push-Handler": "fcm", "Push-Attempt": "1", "Nats-TTL": "", "Nats-Schedule": "", "push-attempt": "", "X": "",
		"Push-Origin-Stream": "PUSH", "Push-Origin-Seq": "1", "Push-Origin-Subject": "push.receipts",
		"traceparent": "ok  Nats-Schedule: @every 1s",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestManySchedulesAtOnce(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	const n = 500
	r.Publish(t, n)
	s := queue.NewScheduler(r.Conn, r.Topology)
	var wg sync.WaitGroup
	_, err := r.Lane.Fresh.Pull(t.Context(), n, 0, nil, func(m consumer.Message) {
		wg.Go(func() {
			if err := s.Schedule(t.Context(), brokertest.RetryOf(m, time.Minute)); err != nil {
				t.Error(err)
			}
		})
	})
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(r.Stored(t, "PUSH_RETRY")); got != n {
		t.Errorf("%d retries are stored, want %d", got, n)
	}
}

func TestScheduleRefusesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.RetryMaxBytes = 1000 })
	r.Publish(t, 2)
	first, second := brokertest.PullOne(t, r.Lane.Fresh), brokertest.PullOne(t, r.Lane.Fresh)
	retry := brokertest.RetryOf(first, time.Minute)
	retry.Data = make([]byte, 2000)
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), retry); err != nil {
		t.Fatalf("the stream has room: %v", err)
	}
	s := queue.NewScheduler(r.Conn, r.Topology) // one that has not looked yet
	err := s.Schedule(t.Context(), brokertest.RetryOf(second, time.Minute))
	if !errors.Is(err, queue.ErrRetriesFull) {
		t.Errorf("Schedule = %v, want ErrRetriesFull", err)
	}
	brokertest.WantError(t, err, "PUSH_RETRY", "1000", "PUSHWORKER_RETRY_MAX_BYTES")
	if n := len(r.Stored(t, "PUSH_RETRY")); n != 1 {
		t.Errorf("%d retries are stored, want 1", n)
	}
	purge(t, r.JetStream, "PUSH_RETRY")
	brokertest.Eventually(t, "room again", func() bool { return s.Schedule(t.Context(), brokertest.RetryOf(second, time.Minute)) == nil })
}

// What only takes the place of another, and what a stopping lane has no later time
// for, is stored beyond the limit: the limit must not keep a full stream from draining.
func TestScheduleBeyondTheLimit(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.RetryMaxBytes = 10 })
	r.Publish(t, 3)
	fresh := [3]consumer.Message{brokertest.PullOne(t, r.Lane.Fresh), brokertest.PullOne(t, r.Lane.Fresh), brokertest.PullOne(t, r.Lane.Fresh)}
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), brokertest.RetryOf(fresh[0], 0)); err != nil {
		t.Fatalf("the stream has room: %v", err)
	}
	s := queue.NewScheduler(r.Conn, r.Topology) // one that has not looked yet
	if err := s.Schedule(t.Context(), brokertest.RetryOf(fresh[1], 0)); !errors.Is(err, queue.ErrRetriesFull) {
		t.Errorf("Schedule = %v, want ErrRetriesFull", err)
	}
	if err := s.Schedule(t.Context(), brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Retries), time.Minute)); err != nil {
		t.Errorf("the retry of a retry: %v", err)
	}
	last := brokertest.RetryOf(fresh[2], time.Minute)
	last.Last = true
	if err := s.Schedule(t.Context(), last); err != nil {
		t.Errorf("the last of a stopping lane: %v", err)
	}
}

// TestScheduleOfWhatIsTooLarge: the lane is told that it need not try again.
func TestScheduleOfWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 1)
	retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), 0)
	s := queue.NewScheduler(r.Conn, r.Topology)
	retry.Data = make([]byte, r.NATS.MaxPayload())
	err := s.Schedule(t.Context(), retry)
	if !errors.Is(err, consumer.ErrTooLarge) {
		t.Errorf("beyond max_payload: %v, want ErrTooLarge", err)
	}
	brokertest.WantError(t, err, "max_payload")
	limitSize(t, r.JetStream, "PUSH_RETRY", 3000)
	retry.Data = make([]byte, 3000)
	err = s.Schedule(t.Context(), retry)
	if !errors.Is(err, consumer.ErrTooLarge) {
		t.Errorf("beyond max_msg_size: %v, want ErrTooLarge", err)
	}
	brokertest.WantError(t, err, "max_msg_size", "PUSH_RETRY")
}

// limitSize sets max_msg_size.
func limitSize(t *testing.T, js jetstream.JetStream, stream string, size int32) {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	c := s.CachedInfo().Config
	c.MaxMsgSize = size
	if _, err := js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// TestScheduleDoesNotWaitForAnother: of those who find nothing known one asks the
// broker, and the others wait for it no longer than their context lives.
func TestScheduleDoesNotWaitForAnother(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 1)
	retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), time.Minute)
	s := queue.NewScheduler(r.Conn, r.Topology)
	queue.HoldLook(s)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Schedule(ctx, retry) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Schedule = %v, want its context's error", err)
	}
}

func purge(t *testing.T, js jetstream.JetStream, stream string) {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestScheduleWithoutABrokerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 1)
	retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), time.Minute)
	r.Broker.Stop(t)
	brokertest.Eventually(t, "disconnected", func() bool { return !r.Conn.Connected() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := queue.NewScheduler(r.Conn, r.Topology).Schedule(ctx, retry)
	brokertest.WantError(t, err, "storing the retry of message 1 of stream PUSH", "no connection")
	r.Broker.Restart(t)
}

// A stream of schedules that is full must not evict; the broker offers no other
// choice for it than no limit.
func TestRetryStreamHasNoLimitThatEvicts(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	s, err := r.JetStream.Stream(t.Context(), "PUSH_RETRY")
	if err != nil {
		t.Fatal(err)
	}
	c := s.CachedInfo().Config
	if got := fmt.Sprint(c.MaxBytes, c.MaxMsgs, c.MaxAge, c.MaxMsgsPerSubject); got != "-1 -1 0s -1" {
		t.Errorf("limits are %s", got)
	}
}
