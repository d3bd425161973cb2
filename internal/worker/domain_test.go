package worker_test

import (
	"net/http"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// TestStreamsElsewhere: a worker works with the streams of another JetStream domain,
// through a leaf node, and with those of another account, whose API it has imported
// under a prefix. Everything is where the domain or the account is.
func TestStreamsElsewhere(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]struct {
		start   func(testing.TB) (hub, edge string)
		env     string
		options broker.Options
	}{
		"domain of a hub":      {brokertest.StartLeaf, "PUSHWORKER_NATS_DOMAIN=" + brokertest.Domain, broker.Options{Domain: brokertest.Domain}},
		"prefix of an account": {brokertest.StartImported, "PUSHWORKER_NATS_API_PREFIX=" + brokertest.APIPrefix, broker.Options{APIPrefix: brokertest.APIPrefix}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, edge := place.start(t)
			admin := "http://" + setup{url: edge, env: []string{place.env, "PUSHWORKER_RETRY_BASE=100ms"}, fails: 1}.start(t)
			wantAnswer(t, admin+"/readyz", http.StatusOK, "ok")
			place.options.URL, place.options.Log = edge, zerolog.Nop()
			conn, err := broker.Connect(t.Context(), place.options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(conn.Close)
			put := `{"user":"usr782riWdFIwE","id":"phone","provider":"fcm","platform":"android","token":"my-token"}`
			if reply, err := conn.NATS().Request("push.devices.put", []byte(put), deadline); err != nil || string(reply.Data) != `{"ok":true}` {
				t.Errorf("push.devices.put answers %v, %v", reply, err)
			}
			receipt := `{"to":{"782riWdFIwE":{"unread":1}},"payload":{"what":"msg","topic":"grpnG99YhENiQU","seq":1}}`
			if _, err := conn.JetStream().Publish(t.Context(), "push.receipts", []byte(receipt)); err != nil {
				t.Fatal(err)
			}
			wantAnswer(t, admin+"/metrics", http.StatusOK, `pushworker_receipts_settled_total{handler="quiet",verdict="redeliver"} 1`)
			wantAnswer(t, admin+"/metrics", http.StatusOK, `pushworker_receipts_settled_total{handler="quiet",verdict="ack"} 1`)
			wantAnswer(t, admin+"/metrics", http.StatusOK, `pushworker_lane_pending{handler="quiet",scope="cluster"} 0`)
			topo := topology.Topology{Stream: "PUSH", Subject: "push.receipts", Handlers: []string{"quiet"}}
			for _, p := range status.Permissions(t.Context(), conn, topo, true) {
				if p.Err != nil {
					t.Errorf("%s for %s: %v", p.Subject, p.For, p.Err)
				}
			}
			wantStreams(t, hub)
		})
	}
}

// wantStreams finds the streams at the hub.
func wantStreams(t *testing.T, hub string) {
	t.Helper()
	conn, err := broker.Connect(t.Context(), broker.Options{URL: hub, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	for _, name := range []string{"PUSH", "PUSH_RETRY", "PUSH_DEAD", "KV_push-devices", "KV_push-lanes"} {
		info, err := conn.StreamInfo(t.Context(), name)
		if err != nil {
			t.Errorf("the hub has no stream %s: %v", name, err)
			continue
		}
		if name == "KV_push-devices" && info.State.Msgs < 2 {
			t.Errorf("bucket %s has %d messages, want a device's", name, info.State.Msgs)
		}
	}
}
