package brokertest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// Domain is the JetStream domain of the hub of [StartLeaf].
const Domain = "hub"

// StartLeaf runs a hub and a leaf node of it, each with a JetStream domain of its own,
// until the test ends. It returns where to connect to each.
func StartLeaf(tb testing.TB) (hub, leaf string) {
	tb.Helper()
	o := &server.Options{ServerName: "hub", JetStreamDomain: Domain}
	o.LeafNode.Host, o.LeafNode.Port = "127.0.0.1", server.RANDOM_PORT
	hub = "nats://" + run(tb, o)
	remote := &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", o.LeafNode.Port)}
	l := &server.Options{ServerName: "edge", JetStreamDomain: "edge"}
	l.LeafNode.Remotes = []*server.RemoteLeafOpts{{URLs: []*url.URL{remote}}}
	return hub, "nats://" + run(tb, l)
}

// APIPrefix is what stands for $JS.API in the account of [StartImported].
const APIPrefix = "hub.API"

// imported is two accounts: HUB has JetStream, and EDGE what it exports of it.
const imported = `accounts {
  HUB: {
    jetstream: enabled
    users: [ { user: hub, password: hub } ]
    exports: [
      { service: "$JS.API.>", response_type: stream }, { service: "$JS.ACK.>" }, { service: "$KV.>" }
      { service: "push.receipts" }, { service: "push.retry.>" }, { service: "push.schedule.>" }, { service: "push.dead.>" }
      { service: "push.events.>" }
    ]
  }
  EDGE: {
    users: [ { user: edge, password: edge } ]
    imports: [
      { service: { account: HUB, subject: "$JS.API.INFO" }, to: "hub.API.INFO" }
      { service: { account: HUB, subject: "$JS.API.STREAM.>" }, to: "hub.API.STREAM.>" }
      { service: { account: HUB, subject: "$JS.API.CONSUMER.>" }, to: "hub.API.CONSUMER.>" }
      { service: { account: HUB, subject: "$JS.API.DIRECT.>" }, to: "hub.API.DIRECT.>" }
      { service: { account: HUB, subject: "$KV.>" }, to: "hub.API.$KV.>" }
      { service: { account: HUB, subject: "$JS.ACK.>" } }
      { service: { account: HUB, subject: "push.receipts" } }, { service: { account: HUB, subject: "push.retry.>" } }
      { service: { account: HUB, subject: "push.schedule.>" } }, { service: { account: HUB, subject: "push.dead.>" } }
      { service: { account: HUB, subject: "push.events.>" } }
    ]
  }
}
`

// StartImported runs a server whose account EDGE imports the JetStream of HUB under
// [APIPrefix], until the test ends. It returns where a user of each connects.
func StartImported(tb testing.TB) (hub, edge string) {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(imported), 0o600); err != nil {
		tb.Fatal(err)
	}
	at := StartWithConfig(tb, file)
	return at("hub", "hub"), at("edge", "edge")
}
