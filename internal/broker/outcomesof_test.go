package broker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// What is recorded for a user is found without reading receipts, in full or in brief.
func TestOutcomesOfAUser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice, bob := push.Uid(1000), push.Uid(1001)
	if o, err := broker.OutcomesOf(t.Context(), r.conn, r.topo, alice, time.Time{}); err != nil || len(o.Seqs) > 0 || !o.Since.IsZero() {
		t.Errorf("without a stream of events there are %+v, %v", o, err)
	}
	if _, err := broker.ProvisionEvents(t.Context(), r.conn, r.topo); err != nil {
		t.Fatal(err)
	}
	brief := func(text string) {
		t.Helper()
		if err := broker.NewEventPublisher(r.conn).PublishBrief("fcm", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	brief(`{"at":"2026-11-25T02:00:00Z","handler":"fcm","stream":"PUSH","accepted":[[7,1,"` + alice.String() + `"],[8,2,"` + bob.String() + `"],[17,2,"` + alice.String() + `"]]}`)
	brief(`{"at":"2026-11-25T02:00:00Z","handler":"fcm","stream":"OTHER","accepted":[[9,1,"` + alice.String() + `"]]}`)
	brief(`no brief of "` + alice.String() + `"`)
	full := `{"handler":"fcm","verdict":"ack","stream":"PUSH","stream_seq":3,"users":["` + alice.String() + `"]}` + "\n" +
		`{"handler":"fcm","verdict":"ack","stream":"PUSH","stream_seq":4,"users":["` + bob.String() + `"]}` + "\n"
	if err := broker.NewEventPublisher(r.conn).PublishEvents("fcm", []byte(full)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is stored", func() bool { return len(r.stored(t, "PUSH_EVENTS")) == 4 })
	o, err := broker.OutcomesOf(t.Context(), r.conn, r.topo, alice, time.Time{})
	if err != nil || !slices.Equal(o.Seqs, []uint64{17, 7, 3}) || o.Since.IsZero() {
		t.Errorf("recorded for alice are %+v, %v", o, err)
	}
	var events []outcome.Event
	for e, err := range broker.EventFacts(t.Context(), r.conn, r.topo, time.Time{}, 7, 3) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if len(events) != 2 || events[0].StreamSeq != 7 || events[0].Accepted != 1 || events[1].StreamSeq != 3 {
		t.Errorf("the events of 7 and 3 are %+v", events)
	}
}
