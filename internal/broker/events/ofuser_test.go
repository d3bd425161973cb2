package events_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// What is recorded for a user is found without reading receipts, in full or in brief.
func TestOutcomesOfAUser(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	alice, bob := push.Uid(1000), push.Uid(1001)
	if o, err := events.OfUser(t.Context(), r.Conn, r.Topology, alice, time.Time{}); err != nil || len(o.Seqs) > 0 || !o.Since.IsZero() {
		t.Errorf("without a stream of events there are %+v, %v", o, err)
	}
	if _, err := events.Provision(t.Context(), r.Conn, r.Topology); err != nil {
		t.Fatal(err)
	}
	brief := func(text string) {
		t.Helper()
		if err := events.NewPublisher(r.Conn).PublishBrief("fcm", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	brief(`{"at":"2026-11-25T02:00:00Z","handler":"fcm","stream":"PUSH","accepted":[[7,1,"` + alice.String() + `"],[8,2,"` + bob.String() + `"],[17,2,"` + alice.String() + `"]]}`)
	brief(`{"at":"2026-11-25T02:00:00Z","handler":"fcm","stream":"OTHER","accepted":[[9,1,"` + alice.String() + `"]]}`)
	brief(`no brief of "` + alice.String() + `"`)
	full := `{"handler":"fcm","verdict":"ack","stream":"PUSH","stream_seq":3,"users":["` + alice.String() + `"]}` + "\n" +
		`{"handler":"fcm","verdict":"ack","stream":"PUSH","stream_seq":4,"users":["` + bob.String() + `"]}` + "\n"
	if err := events.NewPublisher(r.Conn).Publish("fcm", []byte(full)); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "all is stored", func() bool { return len(r.Stored(t, "PUSH_EVENTS")) == 4 })
	o, err := events.OfUser(t.Context(), r.Conn, r.Topology, alice, time.Time{})
	if err != nil || !slices.Equal(o.Seqs, []uint64{17, 7, 3}) || o.Since.IsZero() {
		t.Errorf("recorded for alice are %+v, %v", o, err)
	}
	var found []outcome.Event
	for e, err := range events.Facts(t.Context(), r.Conn, r.Topology, time.Time{}, 7, 3) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, e)
	}
	if len(found) != 2 || found[0].StreamSeq != 7 || found[0].Accepted != 1 || found[1].StreamSeq != 3 {
		t.Errorf("the events of 7 and 3 are %+v", found)
	}
}
