package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestTimestamp: a receipt without a time has that of its publish, at every attempt
// the same, and in the form of the chat server's own: UTC, to the millisecond.
func TestTimestamp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 1, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) == 1 {
				return errFault
			}
			return nil
		}))
		<-time.After(123456789 * time.Nanosecond)
		published := time.Now()
		r.fresh.add(`{"to":{"1000":{}},"payload":{"what":"msg"}}`, consumer.Origin{}, 0)
		r.until(time.Minute, "it was tried again", func() bool { return seen.count() == 2 })
		r.fresh.add(`{"to":{"1000":{}},"payload":{"what":"msg","ts":"2020-01-02T03:04:05.123456Z"}}`, consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		own := time.Date(2020, 1, 2, 3, 4, 5, 123456000, time.UTC)
		want := []time.Time{published.UTC().Truncate(time.Millisecond), published.UTC().Truncate(time.Millisecond), own}
		for i, at := range want {
			if got := seen.got[i].Payload.Timestamp; got != at {
				t.Errorf("receipt %d has the time %s, want %s", i+1, got, at)
			}
		}
	})
}
