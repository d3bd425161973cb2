package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestRetrySaysWhatItWillBeBuriedFor: whoever looks at a retry sees where it leads.
func TestRetrySaysWhatItWillBeBuriedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first func(*push.Receipt) error
		want  retry.Reason
	}{
		"failed": {func(*push.Receipt) error { return errFault }, retry.Attempts},
		"panic":  {func(*push.Receipt) error { panic("no") }, retry.Panic},
		"told to wait, in part": {func(r *push.Receipt) error {
			return &push.Undelivered{To: r.To, Err: push.RetryAfter(push.ErrNotStarted, time.Second)}
		}, retry.Age},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tried := false
				r := start(t, handler(t, 8, 1, func(_ context.Context, r *push.Receipt) error {
					if tried {
						return nil
					}
					tried = true
					return test.first(r)
				}))
				r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
				r.settled(time.Minute)
				_ = r.end()
				got := r.stores.scheduled()
				if len(got) != 1 || got[0].Reason != test.want {
					t.Errorf("stored %+v, want one for %s", got, test.want)
				}
			})
		})
	}
}
