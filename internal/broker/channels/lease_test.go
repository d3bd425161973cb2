package channels_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/channels"
)

// One keeps at a time; when it ends, in order or not, another goes on, and what changed
// meanwhile is done.
func TestOneKeepsAndAnotherFollows(t *testing.T) {
	t.Parallel()
	for name, orderly := range map[string]bool{"stop": true, "death": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.put(t, alice, "phone", "a")
			r.join(t, alice, "chnX")
			first := r.keeper(t, "first", 6*time.Second)
			brokertest.Eventually(t, "the first to subscribe", func() bool { return r.provider.has("chnX/a") })
			id := r.leaseID(t)
			var renewed atomic.Int32
			r.broker.Listen(t, "$KV.push-channels.keeper.fcm", func(string) { renewed.Add(1) })
			r.keeper(t, "second", 6*time.Second)
			brokertest.Eventually(t, "the first to renew its lease while the second waits", func() bool {
				if now := r.leaseID(t); now != id {
					t.Fatalf("%s has the lease that %s has renewed", now, id)
				}
				return renewed.Load() > 2 // the second looks as often
			})
			r.put(t, bob, "phone", "a") // it moves
			r.join(t, bob, "chnY")
			brokertest.Eventually(t, "the token to move", func() bool { return r.provider.has("chnY/a") })
			if n := r.provider.asked("second"); n > 0 {
				t.Errorf("the second has asked %d times while the first keeps", n)
			}
			first(orderly)
			r.put(t, bob, "phone", "b")
			brokertest.Eventually(t, "the second to go on", func() bool { return r.provider.has("chnY/b") })
			brokertest.Eventually(t, "its lease to say that nobody waits", func() bool {
				leases, err := channels.Leases(t.Context(), r.broker.Connect(t))
				return err == nil && leases["fcm"].ID != "" && leases["fcm"].Waiting == 0
			})
		})
	}
}

// leaseID is that of who keeps the subscriptions of fcm.
func (r *rig) leaseID(t *testing.T) string {
	t.Helper()
	leases, err := channels.Leases(t.Context(), r.conn)
	if err != nil {
		t.Fatal(err)
	}
	return leases["fcm"].ID
}
