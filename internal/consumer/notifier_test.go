package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestWhoNotifiesNobodyGetsReceiptsAsPublished: a handler that shows no notifications
// gets a message that was read meanwhile, with the badge that it was published with.
func TestWhoNotifiesNobodyGetsReceiptsAsPublished(t *testing.T) {
	t.Parallel()
	for name, notifies := range map[string]bool{"notifies": true, "prints": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen log
				r := start(t, initialised(t, push.Work{
					Concurrency: 1, Notifies: notifies,
					Handle: func(_ context.Context, r *push.Receipt) error {
						if seen.note(r) == 1 {
							return errFault // and comes back when the read has been seen
						}
						return nil
					},
				}))
				r.fresh.add(`{"to":{"1000":{"unread":3}},"payload":{"what":"msg","topic":"grpA","seq":1}}`, consumer.Origin{}, 0)
				r.fresh.add(`{"to":{"1000":{"unread":0}},"payload":{"what":"read","topic":"grpA","seq":1}}`, consumer.Origin{}, 0)
				r.settled(time.Minute)
				_ = r.end()
				want := 3
				if notifies {
					want = 2
				}
				if seen.count() != want {
					t.Fatalf("the handler got %d receipts, want %d", seen.count(), want)
				}
				if last := seen.got[want-1]; !notifies && last.To[1000].Unread != 3 {
					t.Errorf("the message came back with the badge %d, want its own, 3", last.To[1000].Unread)
				}
			})
		})
	}
}
