package consumer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// said is a receipt to one user.
func said(what, topic string, user, seq, unread int) string {
	return fmt.Sprintf(`{"to":{"%d":{"unread":%d}},"payload":{"what":%q,"topic":%q,"seq":%d}}`, user, unread, what, topic, seq)
}

// TestOrder: pushes of one user and topic start in the order of the stream, each when
// the one before has its outcome; others do not wait for them.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		var busy [2]atomic.Int32
		r := start(t, handler(t, 256, 16, func(_ context.Context, r *push.Receipt) error {
			if r.Payload.Topic != "grpOther" {
				for user := range r.To {
					if busy[user-1000].Add(1) > 1 {
						t.Errorf("receipt %d of user %d starts before the one before has its outcome", r.Payload.SeqId, user)
					}
					defer busy[user-1000].Add(-1)
				}
			}
			seen.note(r)
			<-time.After(time.Duration(100-r.Payload.SeqId) * time.Millisecond) // the first take longest
			return nil
		}))
		const n = 60
		began := time.Now()
		for seq := 1; seq <= n; seq++ {
			r.fresh.add(receipt(seq, 1+seq%2), consumer.Origin{}, 0) // to one user or to both
		}
		r.fresh.add(said("msg", "grpOther", 1000, n+1, 1), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		last := map[string]int{}
		for i, got := range seen.got {
			if got.Payload.Topic == "grpOther" && seen.at[i].Sub(began) > time.Second {
				t.Errorf("a receipt of another topic waited for %s", seen.at[i].Sub(began))
			}
			if got.Payload.SeqId < last[got.Payload.Topic] {
				t.Errorf("%s: %d starts after %d", got.Payload.Topic, got.Payload.SeqId, last[got.Payload.Topic])
			}
			last[got.Payload.Topic] = got.Payload.SeqId
		}
		if len(seen.got) != n+1 {
			t.Errorf("%d of %d were handled", len(seen.got), n+1)
		}
	})
}

// TestReadWhileWaiting: what waits when its reader has read it is settled as such, and
// the last badge is that of the read.
func TestReadWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		var told testimony
		r := start(t, handler(t, 1024, 64, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			<-time.After(50 * time.Millisecond)
			return nil
		}), func(c *consumer.Config) { c.Observer = consumer.Observer{Tell: told.tell} })
		for seq := 1; seq <= 200; seq++ {
			r.fresh.add(said("msg", "grpX", 1000, seq, seq), consumer.Origin{}, 0)
		}
		r.fresh.add(said("read", "grpX", 1000, 200, 0), consumer.Origin{}, 0)
		r.fresh.add(said("msg", "grpX", 1000, 201, 1), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		var got []string
		for _, r := range seen.got {
			got = append(got, fmt.Sprint(r.Payload.What, r.Payload.SeqId, " badge ", r.To[1000].Unread))
		}
		if diff := cmp.Diff([]string{"msg1 badge 1", "read200 badge 0", "msg201 badge 1"}, got); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		if got := r.metric("targets_total", "skipped"); got != 199 {
			t.Errorf("%v targets were skipped, want 199", got)
		}
		heard := told.heard()
		if len(heard) != 199 {
			t.Errorf("%d outcomes are told, want 199", len(heard))
		}
		for _, o := range heard {
			if o.Origin.Seq > 1 && o.Origin.Seq <= 200 && (len(o.Targets) != 1 || o.Targets[0].Why != "read_elsewhere" || o.Counts.Skipped != 1) {
				t.Errorf("receipt %d: %+v, want one target skipped as read_elsewhere", o.Origin.Seq, o)
			}
		}
	})
}

// TestRetryAfterARead: a retry is not sent to who has read the message meanwhile; who
// has not gets it, and no older badge than one that was sent.
func TestRetryAfterARead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 64, 8, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r); r.Payload.SeqId == 1 && len(seen.got) < 6 {
				return push.RetryAfter(errFault, 15*time.Second)
			}
			return nil
		}))
		r.fresh.add(receipt(1, 2), consumer.Origin{}, 0) // to 1000 and 1001, badge 1
		<-time.After(time.Second)
		r.fresh.add(said("msg", "grpX", 1000, 2, 2), consumer.Origin{}, 0)
		r.fresh.add(said("read", "grpX", 1000, 2, 0), consumer.Origin{}, 0)
		r.fresh.add(said("msg", "grpY", 1001, 7, 2), consumer.Origin{}, 0)
		r.settled(5 * time.Minute)
		_ = r.end()
		var last *push.Receipt
		for i, got := range seen.got {
			if _, told := got.To[1000]; i > 0 && got.Payload.SeqId == 1 && told {
				t.Error("message 1 is told again to who has read it")
			}
			if got.Payload.SeqId == 1 {
				last = got
			}
		}
		if diff := cmp.Diff(map[push.Uid]push.Recipient{1001: {Unread: 2}}, last.To); diff != "" {
			t.Errorf("the last try's recipients (-want +got):\n%s", diff)
		}
		for _, stored := range r.stores.scheduled()[1:] {
			if diff := cmp.Diff(map[push.Uid]push.Recipient{1001: {Unread: 2}}, users(stored.Data)); diff != "" {
				t.Errorf("a retry is not stored for user 1001 alone with the newest badge (-want +got):\n%s", diff)
			}
		}
	})
}

// TestCallsStopRinging though the call's message was read.
func TestCallsStopRinging(t *testing.T) {
	t.Parallel()
	for webrtc, want := range map[string]int{"accepted": 2, "started": 2, "missed": 1} {
		synctest.Test(t, func(t *testing.T) {
			var seen log
			r := start(t, handler(t, 64, 1, func(_ context.Context, r *push.Receipt) error {
				if seen.note(r) == 1 {
					<-time.After(time.Second)
				}
				return nil
			}))
			call := fmt.Sprintf(`{"to":{"1000":{}},"payload":{"what":"msg","topic":"grpX","seq":1,"webrtc":%q}}`, webrtc)
			r.fresh.add(said("msg", "grpY", 1000, 1, 1), consumer.Origin{}, 0)
			r.fresh.add(said("sub", "grpX", 1000, 1, 1), consumer.Origin{}, 0)
			r.fresh.add(call, consumer.Origin{}, 0)
			r.fresh.add(said("read", "grpX", 1000, 1, 1), consumer.Origin{}, 0)
			r.settled(time.Minute)
			_ = r.end()
			if got := seen.count() - 2; got != want { // without the first two
				t.Errorf("%s: call and read were handled %d times, want %d", webrtc, got, want)
			}
		})
	}
}

// TestBusyTopicStopsNobody: one conversation cannot take all slots of a lane; when too
// many wait, the oldest start early, and still in order.
func TestBusyTopicStopsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 16, 16, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			if r.Payload.Topic == "grpX" {
				<-time.After(10 * time.Second)
			}
			return nil
		}))
		for seq := 1; seq <= 40; seq++ {
			r.fresh.add(said("msg", "grpX", 1000, seq, 1), consumer.Origin{}, 0)
		}
		r.fresh.add(said("msg", "grpY", 1001, 99, 1), consumer.Origin{}, 0)
		r.until(2*time.Minute, "the other is told", func() bool { return seen.perSeq()[99] == 1 })
		r.settled(10 * time.Minute)
		_ = r.end()
		if got := len(seen.perSeq()); got != 41 {
			t.Errorf("%d of 41 were handled", got)
		}
	})
}

// TestWaitingIsHandedBack at a stop: nobody starts it, and it counts as no attempt.
func TestWaitingIsHandedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 64, 8, func(ctx context.Context, r *push.Receipt) error {
			seen.note(r)
			<-ctx.Done()
			return ctx.Err()
		}), func(c *consumer.Config) { c.Grace = time.Second })
		for seq := 1; seq <= 20; seq++ {
			r.fresh.add(said("msg", "grpX", 1000, seq, 1), consumer.Origin{}, 0)
		}
		<-time.After(time.Second)
		_ = r.end()
		if got := seen.count(); got != 1 {
			t.Errorf("%d were started, want the first alone", got)
		}
		if got := len(r.fresh.delays()); got != 20 || len(r.stores.scheduled()) != 0 {
			t.Errorf("%d of 20 were handed back, %d stored", got, len(r.stores.scheduled()))
		}
	})
}

// TestOutageWhileWaiting: what waits when the provider goes down is handed back, and
// all of it arrives when the provider is back.
func TestOutageWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		var down atomic.Bool
		down.Store(true)
		r := start(t, handler(t, 64, 8, func(_ context.Context, r *push.Receipt) error {
			<-time.After(100 * time.Millisecond)
			if down.Load() {
				return push.Unavailable(errFault)
			}
			seen.note(r)
			return nil
		}))
		for seq := 1; seq <= 30; seq++ {
			r.fresh.add(said("msg", "grpX", 1000, seq, 1), consumer.Origin{}, 0)
		}
		<-time.After(20 * time.Second)
		down.Store(false)
		r.settled(5 * time.Minute)
		_ = r.end()
		if got := seen.perSeq(); len(got) != 30 || seen.count() != 30 {
			t.Errorf("%d of 30 arrived in %d pushes", len(got), seen.count())
		}
	})
}

// TestNamesOfAConversation: a read clears the messages of the same conversation, by
// whatever name, and of no other.
func TestNamesOfAConversation(t *testing.T) {
	t.Parallel()
	alice, bob, carol := push.Uid(1000), push.Uid(1001), push.Uid(1002)
	p2p := push.P2PTopic(alice, bob)
	for name, tt := range map[string]struct {
		message, read string
		cleared       bool
	}{
		"the same group":            {"grpX", "grpX", true},
		"a channel of the group":    {"chnX", "grpX", true},
		"another group":             {"grpX", "grpY", false},
		"p2p by its name":           {p2p, p2p, true},
		"p2p by the peer":           {p2p, bob.UserId(), true},
		"p2p with another":          {p2p, carol.UserId(), false},
		"p2p by the reader himself": {p2p, alice.UserId(), false}, // does not say which
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen log
			r := start(t, handler(t, 64, 8, func(_ context.Context, r *push.Receipt) error {
				if seen.note(r) == 1 {
					return errFault
				}
				return nil
			}), func(c *consumer.Config) { c.Policy.Base = time.Minute })
			r.fresh.add(said("msg", tt.message, int(alice), 1, 1), consumer.Origin{}, 0)
			<-time.After(time.Millisecond)
			r.fresh.add(said("read", tt.read, int(alice), 1, 0), consumer.Origin{}, 0)
			r.settled(5 * time.Minute)
			_ = r.end()
			if got := seen.count() == 2; got != tt.cleared {
				t.Errorf("%s: the retry was settled as read: %v, want %v", name, got, tt.cleared)
			}
		})
	}
}

// TestConversationBegunAgain: a read of the conversation before says nothing of it.
func TestConversationBegunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 64, 8, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			return nil
		}))
		r.fresh.add(said("read", "grpX", 1000, 200, 0), consumer.Origin{}, 0)
		r.settled(time.Second)
		r.fresh.add(said("msg", "grpX", 1000, 1, 1), consumer.Origin{}, 0)
		r.settled(time.Second)
		<-time.After(time.Second)
		r.fresh.clear() // the stream is made anew
		r.fresh.add(said("msg", "grpX", 1000, 2, 5), consumer.Origin{}, 0)
		r.settled(time.Second)
		_ = r.end()
		if seen.count() != 3 || seen.got[1].To[1000].Unread != 1 || seen.got[2].To[1000].Unread != 5 {
			t.Errorf("%d of 3 were handled, with other badges than their own", seen.count())
		}
	})
}
