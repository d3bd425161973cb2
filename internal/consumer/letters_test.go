package consumer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// to decodes whom a letter is for.
func to(t *testing.T, l letter) map[push.Uid]push.Recipient {
	t.Helper()
	r, _, err := push.Decode(l.Data, push.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return r.To
}

// TestLetterIsForWhatRemains: whoever redrives a letter must not send again to those
// who have the push.
func TestLetterIsForWhatRemains(t *testing.T) {
	t.Parallel()
	rest := map[push.Uid]push.Recipient{1001: {Unread: 1, Devices: []string{"phone"}}}
	refused := map[push.Uid]push.Recipient{1000: {Devices: []string{"tablet"}}}
	type want struct {
		to     map[push.Uid]push.Recipient
		reason string
		text   string
	}
	tests := map[string]struct {
		err     error
		letters []want
	}{
		"the rest is refused for good": {
			&push.Undelivered{To: rest, Err: push.Permanent(errFault)},
			[]want{{rest, "permanent", "connection reset"}},
		},
		"the rest is out of attempts, others were refused": {
			&push.Undelivered{To: rest, Err: errFault, Rejected: &push.Undelivered{To: refused, Err: errors.New("bad payload")}},
			[]want{{refused, "permanent", "bad payload"}, {rest, "attempts", "connection reset"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, handler(t, 8, 2, func(context.Context, *push.Receipt) error { return tt.err }),
					func(c *consumer.Config) { c.Policy.MaxAttempts = 1 })
				r.fresh.add(receipt(1, 3), consumer.Origin{}, 0)
				r.settled(time.Minute)
				_ = r.end()
				letters := r.stores.buried()
				if len(letters) != len(tt.letters) {
					t.Fatalf("%d letters, want %d: %+v", len(letters), len(tt.letters), letters)
				}
				for _, w := range tt.letters {
					found := false
					for _, l := range letters {
						if l.Reason == w.reason {
							found = l.Error == w.text && l.Narrowed && cmp.Diff(w.to, to(t, l)) == ""
						}
					}
					if !found {
						t.Errorf("no letter for %+v among %+v", w, letters)
					}
				}
			})
		})
	}
}

// TestRefusedTargetsOfARetryGetALetterOfTheirOwn: the letter is for them, the retry
// for the others, and neither for those who have it.
func TestRefusedTargetsOfARetryGetALetterOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		refused := map[push.Uid]push.Recipient{1000: {Devices: []string{"phone"}}}
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) > 1 {
				return nil
			}
			return &push.Undelivered{
				To: map[push.Uid]push.Recipient{1001: {Unread: 1}}, Err: errFault,
				Rejected: &push.Undelivered{To: refused, Err: errFault},
			}
		}))
		r.fresh.add(receipt(1, 3), consumer.Origin{}, 0)
		r.until(time.Minute, "second attempt", func() bool { return seen.count() == 2 })
		r.settled(time.Second)
		_ = r.end()
		letters := r.stores.buried()
		if len(letters) != 1 || !letters[0].Narrowed {
			t.Fatalf("letters are %+v, want one that is narrowed", letters)
		}
		if diff := cmp.Diff(refused, to(t, letters[0])); diff != "" {
			t.Errorf("the letter is for (-want +got):\n%s", diff)
		}
		if !r.stores.scheduled()[0].Origin.Narrowed {
			t.Error("the retry does not say that it is narrowed")
		}
	})
}

// TestRefusedTargetsGetALetterThoughTheRestExpires.
func TestRefusedTargetsGetALetterThoughTheRestExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Handle: func(context.Context, *push.Receipt) error {
					return &push.Undelivered{
						To:  map[push.Uid]push.Recipient{1001: {}},
						Err: push.RetryAfter(errFault, time.Hour), Rejected: errors.New("bad payload"),
					}
				},
				TTL: func(*push.Receipt) time.Duration { return time.Minute },
			}, nil
		})
		if err := h.Init(`{"buffer":8}`); err != nil {
			t.Fatal(err)
		}
		r := start(t, h)
		r.fresh.add(receipt(1, 3), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		if letters := r.stores.buried(); len(letters) != 1 || letters[0].Error != "bad payload" {
			t.Errorf("letters are %+v, want one for the refused", letters)
		}
		if got := r.metric("receipts_settled_total", "expire"); got != 1 {
			t.Errorf("expire counter is %v, want 1", got)
		}
	})
}

// TestRedrivenReceiptHasItsBudgetsAnew: its age counts from the redrive, and its time
// to live from the event.
func TestRedrivenReceiptHasItsBudgetsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) <= 2 {
				return errFault
			}
			return push.RetryAfter(errFault, 7*time.Hour)
		}))
		old := consumer.Origin{
			RootStream: "PUSH", RootSeq: 7, Subject: "push.receipts", First: time.Now().Add(-100 * time.Hour),
			Redriven: 1, Restarted: time.Now(), Narrowed: true,
		}
		r.retries.add(receipt(1, 1), old, 0)
		r.settled(time.Hour)
		_ = r.end()
		letters := r.stores.buried()
		if seen.count() != 3 || len(letters) != 1 || letters[0].Reason != "age" || letters[0].Attempts != 3 {
			t.Fatalf("tried %d times, letters %+v; want 3 and one for its age", seen.count(), letters)
		}
		if l := letters[0]; l.Redriven != 1 || !l.Narrowed || !l.First.Equal(old.First) || !strings.HasPrefix(l.ID, "PUSH_RETRY:") {
			t.Errorf("the letter lost its story: %+v", l)
		}
	})
}

// TestRedrivenReceiptThatIsStaleIsNotSent.
func TestRedrivenReceiptThatIsStaleIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		h := push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Handle: func(_ context.Context, r *push.Receipt) error { seen.note(r); return nil },
				TTL:    func(*push.Receipt) time.Duration { return time.Hour },
			}, nil
		})
		if err := h.Init(`{"buffer":8}`); err != nil {
			t.Fatal(err)
		}
		r := start(t, h)
		for i, age := range []time.Duration{2 * time.Hour, time.Minute} {
			r.retries.add(receipt(i, 1), consumer.Origin{
				RootStream: "PUSH", RootSeq: uint64(i) + 1, First: time.Now().Add(-age), Redriven: 1, Restarted: time.Now(),
			}, 0)
		}
		r.settled(time.Minute)
		_ = r.end()
		if n := seen.perSeq(); n[0] != 0 || n[1] != 1 {
			t.Errorf("handled %v, want only the one of a minute ago", n)
		}
	})
}

// TestUnreadableRecipientIsOneLetter: what comes back after a failure is without the
// recipient that could not be read, who has a letter already.
func TestUnreadableRecipientIsOneLetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const attempts = 10
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error { seen.note(r); return errFault }),
			func(c *consumer.Config) { c.Policy.MaxAttempts = attempts })
		r.fresh.add(`{"to":{"1000":{"unread":1},"nobody":{}},"payload":{"what":"msg","seq":1}}`, consumer.Origin{}, 0)
		r.settled(time.Hour)
		_ = r.end()
		reasons := map[string]int{}
		for _, l := range r.stores.buried() {
			reasons[l.Reason]++
			if l.Reason == "attempts" && strings.Contains(string(l.Data), "nobody") {
				t.Errorf("the letter for the rest still names the other: %s", l.Data)
			}
		}
		if diff := cmp.Diff(map[string]int{"malformed": 1, "attempts": 1}, reasons); diff != "" || seen.count() != attempts {
			t.Errorf("after %d attempts the letters are (-want +got):\n%s", seen.count(), diff)
		}
	})
}

// TestUnreadableRecipientOfARetry: what a retry leaves out and what becomes of the rest
// are two letters.
func TestUnreadableRecipientOfARetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 8, 2, func(context.Context, *push.Receipt) error { return push.Permanent(errFault) }))
		r.retries.add(`{"to":{"1000":{"unread":1},"nobody":{}},"payload":{"what":"msg","seq":1}}`, consumer.Origin{RootSeq: 7, RootStream: "PUSH"}, 0)
		r.settled(time.Minute)
		_ = r.end()
		if letters := r.stores.buried(); len(letters) != 2 {
			t.Errorf("letters are %+v, want two", letters)
		}
	})
}
