package retry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

var (
	policy   = retry.Policy{Base: time.Second, Cap: 10 * time.Minute, MaxAge: 6 * time.Hour, MaxAttempts: 50}
	errFault = errors.New("connection reset")
)

func TestDecide(t *testing.T) {
	t.Parallel()
	part := func(err error) error { return &push.Undelivered{Err: err} }
	tests := map[string]struct {
		outcome retry.Outcome
		want    retry.Decision
	}{
		"delivered": {
			retry.Outcome{Attempts: 1},
			retry.Decision{Verdict: retry.Ack},
		},
		"expired": {
			retry.Outcome{Err: fmt.Errorf("too late: %w", push.ErrExpired), Attempts: 1},
			retry.Decision{Verdict: retry.Expire},
		},
		"handed back costs no attempt": {
			retry.Outcome{Err: push.ErrNotStarted, Attempts: 50, Age: 7 * time.Hour, Jitter: 0.5},
			retry.Decision{Verdict: retry.Redeliver, Delay: 550 * time.Millisecond},
		},
		"an outage costs no attempt and no age": {
			retry.Outcome{Err: push.Unavailable(errFault), Attempts: 50, Age: 7 * time.Hour},
			retry.Decision{Verdict: retry.Redeliver, Delay: time.Second},
		},
		"an outage in the middle": {
			retry.Outcome{Err: part(push.Unavailable(errFault)), Attempts: 1},
			retry.Decision{Verdict: retry.Redeliver, Delay: time.Second},
		},
		"handed back until the provider's time": {
			retry.Outcome{Err: part(fmt.Errorf("%w: %w", push.ErrNotStarted, push.RetryAfter(errFault, time.Minute))), Attempts: 1},
			retry.Decision{Verdict: retry.Redeliver, Delay: time.Minute},
		},
		"handed back until it would be stale": {
			retry.Outcome{Err: fmt.Errorf("%w: %w", push.ErrNotStarted, push.RetryAfter(errFault, time.Minute)), Attempts: 1, Left: time.Minute},
			retry.Decision{Verdict: retry.Expire},
		},
		"handed back while still fresh": {
			retry.Outcome{Err: fmt.Errorf("%w: %w", push.ErrNotStarted, push.RetryAfter(errFault, time.Minute)), Attempts: 1, Left: time.Minute + 1},
			retry.Decision{Verdict: retry.Redeliver, Delay: time.Minute},
		},
		"permanent": {
			retry.Outcome{Err: push.Permanent(errFault), Attempts: 1},
			retry.Decision{Verdict: retry.Bury, Reason: retry.Rejected},
		},
		"permanent for the remainder": {
			retry.Outcome{Err: part(push.Permanent(errFault)), Attempts: 1},
			retry.Decision{Verdict: retry.Bury, Reason: retry.Rejected},
		},
		"first failure": {
			retry.Outcome{Err: errFault, Attempts: 1, Jitter: 0.5},
			retry.Decision{Verdict: retry.Redeliver, Delay: 500 * time.Millisecond, Counted: true},
		},
		"fourth failure": {
			retry.Outcome{Err: errFault, Attempts: 4, Jitter: 0.5},
			retry.Decision{Verdict: retry.Redeliver, Delay: 4 * time.Second, Counted: true},
		},
		"capped": {
			retry.Outcome{Err: errFault, Attempts: 40, Jitter: 0.5},
			retry.Decision{Verdict: retry.Redeliver, Delay: 5 * time.Minute, Counted: true},
		},
		"the provider's delay wins": {
			retry.Outcome{Err: push.RetryAfter(errFault, time.Hour), Attempts: 1},
			retry.Decision{Verdict: retry.Redeliver, Delay: time.Hour, Counted: true},
		},
		"and is never shortened": {
			retry.Outcome{Err: push.RetryAfter(errFault, time.Hour), Attempts: 1, Jitter: 0.5},
			retry.Decision{Verdict: retry.Redeliver, Delay: time.Hour + 3*time.Minute, Counted: true},
		},
		"a delay of zero is no delay": {
			retry.Outcome{Err: push.RetryAfter(errFault, 0), Attempts: 1, Jitter: 0.5},
			retry.Decision{Verdict: retry.Redeliver, Delay: 500 * time.Millisecond, Counted: true},
		},
		"last attempt": {
			retry.Outcome{Err: errFault, Attempts: 50},
			retry.Decision{Verdict: retry.Bury, Reason: retry.Attempts},
		},
		"the next attempt would be too late": {
			retry.Outcome{Err: push.RetryAfter(errFault, time.Minute), Attempts: 2, Age: 6*time.Hour - time.Second},
			retry.Decision{Verdict: retry.Bury, Reason: retry.Age},
		},
		"panicked to the end": {
			retry.Outcome{Err: &push.PanicError{Value: "x"}, Attempts: 50},
			retry.Decision{Verdict: retry.Bury, Reason: retry.Panic},
		},
		"panicked once": {
			retry.Outcome{Err: &push.PanicError{Value: "x"}, Attempts: 1, Jitter: 0.5},
			retry.Decision{Verdict: retry.Redeliver, Delay: 500 * time.Millisecond, Counted: true},
		},
		"would be stale by the next attempt": {
			retry.Outcome{Err: push.RetryAfter(errFault, time.Minute), Attempts: 1, Left: time.Minute},
			retry.Decision{Verdict: retry.Expire},
		},
		"still fresh by the next attempt": {
			retry.Outcome{Err: push.RetryAfter(errFault, time.Minute), Attempts: 1, Left: time.Minute + 1},
			retry.Decision{Verdict: retry.Redeliver, Delay: time.Minute, Counted: true},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, policy.Decide(tt.outcome)); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBudgetsEnd walks whole lives of a receipt that always fails: it must end in
// a grave, within the budgets.
func TestBudgetsEnd(t *testing.T) {
	t.Parallel()
	for _, jitter := range []float64{0, 0.25, 0.999} {
		var age time.Duration
		for attempt := 1; ; attempt++ {
			d := policy.Decide(retry.Outcome{Err: errFault, Attempts: attempt, Age: age, Jitter: jitter})
			if d.Verdict == retry.Bury {
				break
			}
			age += d.Delay
			if attempt > policy.MaxAttempts || age > policy.MaxAge {
				t.Fatalf("jitter %v: attempt %d at age %v is beyond the budget", jitter, attempt, age)
			}
		}
	}
}

func TestReasonCodes(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range retry.Reasons() {
		got = append(got, r.String())
	}
	want := []string{"malformed", "oversize", "permanent", "attempts", "age", "crash_loop", "panic"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reason codes (-want +got):\n%s", diff)
	}
}

func FuzzDecide(f *testing.F) {
	f.Add(uint8(0), 1, int64(0), int64(0), int64(0), 0.5)
	f.Add(uint8(3), 49, int64(time.Hour), int64(time.Minute), int64(time.Second), 0.0)
	f.Fuzz(func(t *testing.T, kind uint8, attempts int, age, after, left int64, jitter float64) {
		if attempts < 1 || age < 0 || left < 0 || !(jitter >= 0 && jitter < 1) || after > int64(240*time.Hour) || age > int64(240*time.Hour) {
			return
		}
		errs := []error{
			errFault, push.Permanent(errFault), push.RetryAfter(errFault, time.Duration(after)),
			push.Unavailable(errFault), &push.Undelivered{Err: errFault}, &push.PanicError{}, push.ErrNotStarted, push.ErrExpired,
		}
		err := errs[int(kind)%len(errs)]
		d := policy.Decide(retry.Outcome{
			Err: err, Attempts: attempts, Age: time.Duration(age), Left: time.Duration(left), Jitter: jitter,
		})
		provider, told := errors.AsType[*push.RetryAfterError](err)
		switch {
		case d.Verdict == retry.Ack:
			t.Fatalf("%v was acknowledged", err)
		case d.Delay < 0:
			t.Fatalf("negative delay %v", d.Delay)
		case !told && d.Delay > policy.Cap:
			t.Fatalf("delay %v exceeds the cap", d.Delay)
		case told && d.Verdict == retry.Redeliver && d.Delay < provider.After:
			t.Fatalf("delay %v is before the provider's %v", d.Delay, provider.After)
		case d.Counted && (attempts >= policy.MaxAttempts || time.Duration(age)+d.Delay > policy.MaxAge):
			t.Fatalf("attempt beyond the budget: %+v", d)
		}
	})
}
