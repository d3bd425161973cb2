package consumer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

var errFault = errors.New("connection reset")

func TestDeliveredIsAcked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			return nil
		}))
		for i := range 100 {
			r.fresh.add(receipt(i, 2), consumer.Origin{}, 0)
		}
		r.settled(time.Minute)
		if err := r.end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		for seq, n := range seen.perSeq() {
			if n != 1 {
				t.Errorf("receipt %d was handled %d times", seq, n)
			}
		}
		if got := seen.count(); got != 100 {
			t.Errorf("handled %d of 100", got)
		}
		if got := r.metric("receipts_settled_total", "ack"); got != 100 {
			t.Errorf("ack counter is %v", got)
		}
		if got := r.metric("targets_total", "accepted"); got != 200 {
			t.Errorf("accepted targets are %v", got)
		}
	})
}

func TestTransientFailureIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) < 4 {
				return errFault
			}
			return nil
		}))
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.until(time.Minute, "four attempts", func() bool { return seen.count() == 4 })
		r.settled(time.Second)
		if err := r.end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		var attempts []int
		for _, s := range r.stores.scheduled() {
			attempts = append(attempts, s.Origin.Attempts)
			if s.Origin.RootStream != "PUSH" || s.Origin.RootSeq != 1 || s.Error != errFault.Error() {
				t.Errorf("retry lost its origin: %+v", s)
			}
		}
		if diff := cmp.Diff([]int{1, 2, 3}, attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if naks := r.fresh.delays(); len(naks) > 0 {
			t.Errorf("a counted failure was nak'd: %v", naks)
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) == 1 {
				return push.RetryAfter(errFault, 5*time.Minute)
			}
			return nil
		}))
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.until(10*time.Minute, "second attempt", func() bool { return seen.count() == 2 })
		r.settled(time.Second)
		_ = r.end()
		at := seen.times()
		if gap := at[1].Sub(at[0]); gap < 5*time.Minute || gap > 6*time.Minute {
			t.Errorf("came back after %v, asked for 5m", gap)
		}
	})
}

// TestOnlyTheRemainderIsRetried: what went out is neither sent nor counted again.
func TestOnlyTheRemainderIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) == 1 {
				left := push.Recipient{Unread: 1, Devices: []string{"phone"}}
				return &push.Undelivered{To: map[push.Uid]push.Recipient{1001: left}, Err: errFault}
			}
			return nil
		}))
		r.fresh.add(receipt(1, 3), consumer.Origin{}, 0)
		r.until(time.Minute, "second attempt", func() bool { return seen.count() == 2 })
		r.settled(time.Second)
		_ = r.end()
		want := map[push.Uid]push.Recipient{1001: {Unread: 1, Devices: []string{"phone"}}}
		if diff := cmp.Diff(want, seen.got[1].To); diff != "" {
			t.Errorf("second attempt's recipients (-want +got):\n%s", diff)
		}
		if got := r.metric("targets_total", "accepted"); got != 3 {
			t.Errorf("accepted targets are %v, want 3", got)
		}
		if got := r.metric("targets_total", "retried"); got != 1 {
			t.Errorf("retried targets are %v, want 1", got)
		}
	})
}

// TestRefusedTargetsGetALetter: targets refused for good are buried at once, while
// the rest of the receipt is tried again, and the handler's own count is what counts.
func TestRefusedTargetsGetALetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) > 1 {
				return nil
			}
			r.Tally(push.Targets{Accepted: 5, Gone: 1, Rejected: 1, Retried: 1})
			return &push.Undelivered{
				To:  map[push.Uid]push.Recipient{1001: {Unread: 1}},
				Err: errFault, Rejected: errors.New("device \"tablet\": payload refused"),
			}
		}))
		r.fresh.add(receipt(1, 3), consumer.Origin{}, 0)
		r.until(time.Minute, "second attempt", func() bool { return seen.count() == 2 })
		r.settled(time.Second)
		_ = r.end()
		letters := r.stores.buried()
		if len(letters) != 1 || letters[0].Reason != "permanent" || letters[0].Error != `device "tablet": payload refused` {
			t.Errorf("letters are %+v, want one that names the target", letters)
		}
		for result, want := range map[string]float64{"accepted": 6, "gone": 1, "rejected": 1, "retried": 1} {
			if got := r.metric("targets_total", result); got != want {
				t.Errorf("%s targets are %v, want %v", result, got, want)
			}
		}
	})
}

func TestBuried(t *testing.T) {
	t.Parallel()
	short := func(c *consumer.Config) { c.Policy.MaxAttempts = 3 }
	tests := map[string]struct {
		data   string
		err    error
		adjust func(*consumer.Config)
		want   letter
		calls  int
	}{
		"permanent": {
			data: receipt(1, 1), err: push.Permanent(errFault), calls: 1,
			want: letter{Handler: "fcm", Reason: "permanent", Error: "connection reset", Attempts: 1},
		},
		"attempts": {
			data: receipt(1, 1), err: errFault, adjust: short, calls: 3,
			want: letter{Handler: "fcm", Reason: "attempts", Error: "connection reset", Attempts: 3},
		},
		"age": {
			data: receipt(1, 1), err: push.RetryAfter(errFault, 7*time.Hour), calls: 1,
			want: letter{Handler: "fcm", Reason: "age", Error: "connection reset", Attempts: 1},
		},
		"not JSON": {
			data: "pull the other one", calls: 0,
			want: letter{Reason: "malformed"},
		},
		"too big": {
			data: receipt(1, 1), adjust: func(c *consumer.Config) { c.Limits.MaxBytes = 20 }, calls: 0,
			want: letter{Reason: "oversize"},
		},
		"nobody readable": {
			data: `{"to":{"nobody":{}},"payload":{"what":"msg"}}`, calls: 0,
			want: letter{Reason: "malformed"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen log
				h := handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
					seen.note(r)
					return tt.err
				})
				adjust := tt.adjust
				if adjust == nil {
					adjust = func(*consumer.Config) {}
				}
				r := start(t, h, adjust)
				r.fresh.add(tt.data, consumer.Origin{}, 0)
				r.until(time.Hour, "a letter", func() bool { return len(r.stores.buried()) == 1 })
				r.settled(time.Second)
				if err := r.end(); err != nil {
					t.Errorf("Run: %v", err)
				}
				got := r.stores.buried()[0]
				if string(got.Data) != tt.data || got.Stream != "PUSH" || got.StreamSeq != 1 || got.Subject != "push.receipts" {
					t.Errorf("letter does not say what was buried: %+v", got)
				}
				if tt.want.Error == "" {
					got.Error = ""
				}
				brief := letter{Handler: got.Handler, Reason: got.Reason, Error: got.Error, Attempts: got.Attempts}
				if diff := cmp.Diff(tt.want, brief); diff != "" {
					t.Errorf("letter (-want +got):\n%s", diff)
				}
				if seen.count() != tt.calls {
					t.Errorf("handler was called %d times, want %d", seen.count(), tt.calls)
				}
				if got := r.metric("dead_letters_total", tt.want.Reason); got != 1 {
					t.Errorf("dead_letters_total is %v", got)
				}
			})
		})
	}
}

func TestPanicIsRetriedThenBuried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := handler(t, 8, 2, func(context.Context, *push.Receipt) error { panic("token-abc") })
		r := start(t, h, func(c *consumer.Config) { c.Policy.MaxAttempts = 2 })
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.until(time.Minute, "a letter", func() bool { return len(r.stores.buried()) == 1 })
		_ = r.end()
		got := r.stores.buried()[0]
		if got.Reason != "panic" || got.Attempts != 2 {
			t.Errorf("letter is %+v, want reason panic after 2 attempts", got)
		}
	})
}

// TestBadRecipientCostsOnlyItself: the readable ones get their push, the others a
// letter.
func TestBadRecipientCostsOnlyItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			return nil
		}))
		data := `{"to":{"nobody":{},"1001":{"unread":1}},"payload":{"what":"msg"}}`
		r.fresh.add(data, consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		want := map[push.Uid]push.Recipient{1001: {Unread: 1}}
		if diff := cmp.Diff(want, seen.got[0].To); diff != "" {
			t.Errorf("recipients (-want +got):\n%s", diff)
		}
		letters := r.stores.buried()
		if len(letters) != 1 || letters[0].Reason != "malformed" || string(letters[0].Data) != data {
			t.Errorf("letters are %+v", letters)
		}
	})
}

func TestExpiredIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		h := push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Handle: func(_ context.Context, r *push.Receipt) error { seen.note(r); return errFault },
				TTL:    func(*push.Receipt) time.Duration { return 3 * time.Second },
			}, nil
		})
		if err := h.Init(`{"buffer":8}`); err != nil {
			t.Fatal(err)
		}
		r := start(t, h)
		stale := consumer.Origin{
			RootStream: "PUSH", RootSeq: 7, Subject: "push.receipts",
			First: time.Now(), Expires: time.Now().Add(time.Second),
		}
		r.fresh.add(receipt(1, 1), stale, 2*time.Second) // stale by its header when it arrives
		r.fresh.add(receipt(2, 1), consumer.Origin{}, 0) // fails until its TTL has passed
		r.settled(time.Minute)
		_ = r.end()
		if n := seen.perSeq(); n[1] != 0 || n[2] == 0 {
			t.Errorf("handled %v, want the stale one never and the other at least once", n)
		}
		if got := r.metric("receipts_settled_total", "expire"); got != 2 {
			t.Errorf("expire counter is %v, want 2", got)
		}
		if len(r.stores.buried()) != 0 {
			t.Error("an expired receipt got a letter")
		}
	})
}
