package tinode

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/tinode/chat/server/logs"
)

const (
	brokerAway = "the broker cannot be reached: receipts wait, and workers get no devices; check that it runs, and the url of this handler"
	brokerBack = "the broker can be reached again"
)

// tellOfBroker writes into Tinode's log when the broker is lost and when it is back, until
// ctx ends: while it is away nobody gets a push, and no receipt fails that would say so.
func tellOfBroker(ctx context.Context, nc *nats.Conn) {
	states := nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.DISCONNECTED)
	defer nc.RemoveStatusListener(states)
	tellOf(ctx, nc.IsConnected(), states, func(text string) { logs.Warn.Println(name+":", text) })
}

// tellOf says each change of states once; connected is how it stands at first.
func tellOf(ctx context.Context, connected bool, states <-chan nats.Status, say func(string)) {
	if !connected {
		say(brokerAway)
	}
	for {
		select {
		case state, open := <-states:
			if !open {
				return
			}
			if is := state == nats.CONNECTED; is != connected {
				connected = is
				say(map[bool]string{true: brokerBack, false: brokerAway}[is])
			}
		case <-ctx.Done():
			return
		}
	}
}
