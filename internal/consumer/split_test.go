package consumer_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestTooLargeToStoreIsSplit: a retry that the broker does not store in one is stored in
// parts, whose recipients are those of the whole, and each is tried again.
func TestTooLargeToStoreIsSplit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 16, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) == 1 {
				return &push.Undelivered{To: r.To, Channel: r.Channel, Err: errFault}
			}
			return nil
		}))
		r.stores.largest = 350
		whole := strings.Replace(receipt(1, 20), `{"to"`, `{"channel":"chnA","to"`, 1)
		r.fresh.add(whole, consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		told, channels := map[push.Uid]int{}, 0
		for _, part := range seen.got[1:] {
			for user := range part.To {
				told[user]++
			}
			channels += len(part.Channel)
		}
		want := map[push.Uid]int{}
		for user := range users([]byte(whole)) {
			want[user] = 1
		}
		if diff := cmp.Diff(want, told); diff != "" || channels != len("chnA") {
			t.Errorf("told again: channel %d, users (-want +got):\n%s", channels, diff)
		}
		if n := len(r.stores.buried()); n != 0 || seen.count() < 5 {
			t.Errorf("%d runs, %d letters; want several and none", seen.count(), n)
		}
		for _, part := range r.stores.scheduled() {
			if part.Origin.Attempts != 1 || !part.Origin.Narrowed || part.Part == "" {
				t.Errorf("stored %+v", part.Origin)
			}
		}
	})
}

// TestPartThatIsTooLargeIsBuried: one recipient whose share is too large costs only
// itself.
func TestPartThatIsTooLargeIsBuried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 16, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) > 1 {
				return nil
			}
			rest := maps.Clone(r.To)
			rest[1001] = push.Recipient{Devices: []string{strings.Repeat("x", 1000)}}
			return &push.Undelivered{To: rest, Err: errFault}
		}))
		r.stores.largest = 500
		r.fresh.add(receipt(1, 4), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		var told []push.Uid
		for _, part := range seen.got[1:] {
			told = slices.AppendSeq(told, maps.Keys(part.To))
		}
		slices.Sort(told)
		if diff := cmp.Diff([]push.Uid{1000, 1002, 1003}, told); diff != "" {
			t.Errorf("told again (-want +got):\n%s", diff)
		}
		if letters := r.stores.buried(); len(letters) != 1 || letters[0].Reason != "oversize" || len(to(t, letters[0])) != 1 {
			t.Errorf("letters are %+v, want one for one user", letters)
		}
	})
}

// TestLedgerDoesNotOutgrowTheLimits: 6,600 users with five devices each, all but one of
// which are done, are tried again in parts that can be read, and nobody is buried.
func TestLedgerDoesNotOutgrowTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n, done = 6600, 4
		var seen log
		r := start(t, handler(t, 16, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) > 1 {
				return nil
			}
			rest := &push.Undelivered{To: map[push.Uid]push.Recipient{}, Err: errFault}
			for user := range r.To {
				var have []string
				for i := range done {
					have = append(have, fmt.Sprintf("device-%d", i))
				}
				rest.To[user] = push.Recipient{Devices: have}
			}
			return rest
		}), func(c *consumer.Config) { c.Limits.MaxRecipients = 7000 })
		r.fresh.add(receipt(1, n), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		again := 0
		for _, part := range seen.got[1:] {
			for _, who := range part.To {
				if len(who.Devices) == done {
					again++
				}
			}
		}
		if letters := len(r.stores.buried()); again != n || letters != 0 {
			t.Errorf("%d users were tried again, %d letters; want %d and none", again, letters, n)
		}
	})
}
