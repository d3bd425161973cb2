package channels_test

import (
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/chatserver"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// The devices of a chat server follow its word that they have changed, also after a time in
// which it did not answer.
func TestDevicesOfAChatServerAreSubscribed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kept := devicetest.NewKeeper()
	conn := r.broker.Connect(t)
	chat := brokertest.NewChatServer(conn.NATS(), kept)
	put := func(user push.Uid, id, token string) {
		t.Helper()
		if _, err := kept.Put(t.Context(), push.Device{User: user, ID: id, Provider: "fcm", Platform: "android", Token: token}); err != nil {
			t.Fatal(err)
		}
	}
	changed := func() {
		t.Helper()
		if err := conn.NATS().Publish(wire.DevicesChanged, []byte(`{"users":["`+alice.UserId()+`","`+bob.UserId()+`"]}`)); err != nil {
			t.Fatal(err)
		}
	}
	put(alice, "phone", "a")
	r.join(t, alice, "chnX")
	r.join(t, bob, "chnX")

	mine := r.broker.Connect(t)
	foreign, err := devices.Open(t.Context(), mine, devices.Options{Source: chatserver.New(mine)})
	if err != nil {
		t.Fatal(err)
	}
	r.keep(t, mine, &channel.Keeper{Handler: "fcm", Channels: r.provider.channels("chat")}, foreign, 3*time.Second)
	brokertest.Eventually(t, "the keeper to work", func() bool {
		leases, err := channels.Leases(t.Context(), conn)
		return err == nil && leases["fcm"].ID != ""
	})
	chat.Up(t) // until now nobody has answered
	brokertest.Eventually(t, "the device to be subscribed", func() bool { return r.provider.has("chnX/a") })
	put(bob, "phone", "b")
	changed()
	brokertest.Eventually(t, "a new device to be subscribed", func() bool { return r.provider.has("chnX/a", "chnX/b") })
	put(bob, "phone", "a") // it is bob's now, and his own is replaced
	changed()
	brokertest.Eventually(t, "the token to move", func() bool { return r.provider.has("chnX/a") })
	if _, err := r.channels.Remove(t.Context(), channel.Request{User: bob, Channel: "chnX"}); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "nobody to be subscribed", func() bool { return r.provider.has() })
}
