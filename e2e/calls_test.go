package e2e_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestCallsWhileAWorkerIsKilled: each of many calls rings the iPhone by its token for calls
// although the worker is killed again and again, within the time that it rings; a call that is
// told again has the id of the first. That a call is over never goes there, and no ring goes to
// the token for alerts.
func TestCallsWhileAWorkerIsKilled(t *testing.T) {
	t.Parallel()
	const calls, kills, each = 400, 3, 2 // receipts of each call
	w := newEveryDevice(t)
	p := w.worker()
	conn := connect(t, w.addr)
	pub, err := conn.Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tell := func(seq int, webrtc, replace string) {
		t.Helper()
		r := &push.Receipt{To: map[push.Uid]push.Recipient{push.ParseUserId("usr782riWdFIwE"): {Unread: 1}}, Payload: push.Payload{
			What: push.ActMsg, Topic: "grpE2E", From: "usrEDJUdpi63P4", Content: "call", SeqId: seq, Webrtc: webrtc, Replace: replace,
		}}
		if _, err := pub.Publish(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	batch, apple := calls/(kills+1), w.fakes["iphone"]
	for n := range calls {
		seq := each*n + 1
		inCall := n%batch == batch-1 && n+1 < calls // Apple does not answer until the worker is killed
		if inCall {
			if err := apple.Freeze(); err != nil {
				t.Fatal(err)
			}
		}
		tell(seq, "started", "")
		tell(seq+1, "finished", ":"+strconv.Itoa(seq))
		if inCall {
			await(t, patience, "a call is on its way", func() bool {
				stats, err := status.NewReader(conn).Stats(t.Context(), topology.Topology{Stream: "PUSH", Subject: "push.receipts", Handlers: []string{"apns"}})
				return err == nil && len(stats.Lanes) == 1 && stats.Lanes[0].InFlight > 0
			})
			p.Kill()
			if err := apple.Thaw(); err != nil {
				t.Fatal(err)
			}
			p = w.worker()
		}
	}
	alerts, voip := strings.Repeat("a1", 32), strings.Repeat("c1", 32)
	rings, over := make(map[string]int), make(map[string]int) // how often, by the push's id
	await(t, patience, "all calls ring, and all are over", func() bool {
		clear(rings)
		clear(over)
		for _, l := range appleLines(t, w.fakes["iphone"]) {
			if l.Target == voip {
				rings[l.ID]++
			} else {
				over[l.ID]++
			}
		}
		return len(rings) >= calls && len(over) >= calls
	})
	repeats := -each * calls
	for _, times := range []map[string]int{rings, over} {
		for _, n := range times {
			repeats += n
		}
	}
	t.Logf("%d repeats after %d kills", repeats, kills)
	if len(rings) != calls || len(over) != calls || repeats > kills*roomOfALane {
		t.Errorf("%d ids ring and %d are over, want %d of each; %d repeats, want at most %d kills × %d in flight", len(rings), len(over), calls, repeats, kills, roomOfALane)
	}
	for _, a := range w.arrivals("iphone") {
		isRing, isOver := strings.Contains(a.line, `"webrtc":"started"`), strings.Contains(a.line, `"webrtc":"finished"`)
		toCalls := strings.Contains(a.line, voip) && strings.Contains(a.line, `"apns-push-type":"voip"`)
		if isRing == isOver || isRing != toCalls || isOver && !strings.Contains(a.line, alerts) {
			t.Fatalf("the iPhone got %s", a.line)
		}
	}
	if err := pub.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
