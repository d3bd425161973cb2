package chatserver_test

import (
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/chatserver"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestUnheardChanges: what the chat server tells before a worker listens, and while the worker's
// connection is away, does not arrive. The worker asks again nevertheless, long before its answers
// are too old.
func TestUnheardChanges(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	proxy := brokertest.NewProxy(t, b.URL())
	conn := brokertest.ConnectTo(t, proxy.URL(), zerolog.Nop())
	r := &rig{keeper: devicetest.NewKeeper(), conn: conn}
	r.nats, _ = brokertest.Client(t, b.URL())
	r.chat = brokertest.NewChatServer(r.nats, r.keeper)
	r.chat.Up(t)
	d, err := devices.Open(t.Context(), conn, devices.Options{Source: chatserver.New(conn), CacheTTL: time.Hour, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	const user push.Uid = 7
	tells := func(token string) {
		if err := (telling{r}).login(t.Context(), push.Device{User: user, ID: "phone", Provider: "fcm", Platform: "android", Token: token}); err != nil {
			t.Fatal(err)
		}
		if err := r.nats.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	knows := func(token string) bool {
		found, err := d.Devices(t.Context(), []push.Uid{user}, "fcm")
		return err == nil && len(found[user]) == 1 && found[user][0].Token == token
	}
	tells("one")
	brokertest.Eventually(t, "the first token", func() bool { return knows("one") })
	tells("two")
	if !knows("one") {
		t.Fatal("the answer is not believed")
	}

	brokertest.Run(t, d.Run)
	brokertest.Eventually(t, "what was told before", func() bool { return knows("two") })

	before := conn.Reconnects()
	proxy.Shut(true)
	proxy.Cut()
	brokertest.Eventually(t, "the connection to be away", func() bool { return !conn.Connected() })
	tells("three")
	if !knows("two") {
		t.Fatal("the answer is not believed without a connection")
	}
	proxy.Shut(false)
	brokertest.Eventually(t, "the connection", func() bool { return conn.Reconnects() > before })
	brokertest.Eventually(t, "what was told meanwhile", func() bool { return knows("three") })
}
