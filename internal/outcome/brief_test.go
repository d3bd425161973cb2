package outcome_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// What went well is told in brief, in one message for many receipts, and all else in
// full; both can be found by the user.
func TestWhatWentWellIsToldInBrief(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	alice, bob := push.Uid(1000), push.Uid(1001)
	told := func(seq uint64, counts push.Targets, users ...push.Uid) consumer.Outcome {
		return consumer.Outcome{
			At: at, Handler: "fcm", Verdict: retry.Ack, Attempts: 1, Origin: consumer.Origin{RootStream: "PUSH", RootSeq: seq},
			Users: users, Counts: counts,
		}
	}
	full, brief := &sink{}, &sink{}
	r := outcome.New(outcome.Options{Publish: full.publish, PublishBrief: brief.brief, Hash: mask}, prometheus.NewRegistry())
	w := r.Observer()
	if !w.Clean {
		t.Error("the lanes are not asked for what went well")
	}
	replayed := told(4, push.Targets{Accepted: 1}, alice)
	replayed.Replayed = true
	passed, shared := told(6, push.Targets{}), told(7, push.Targets{Accepted: 1}, alice)
	passed.Untargeted, shared.Untargeted = []push.Uid{bob}, []push.Uid{bob}
	named := told(8, push.Targets{Accepted: 1}, alice)
	named.Targets = []push.Target{{Device: push.Device{User: alice, ID: "phone"}, Result: push.ResultAccepted, UniqueID: "a-b-1"}}
	for _, o := range []consumer.Outcome{
		told(1, push.Targets{Accepted: 2}, alice), told(2, push.Targets{Accepted: 1, Gone: 1}, bob), told(3, push.Targets{Accepted: 5}, alice, bob),
		replayed, told(5, push.Targets{}, bob), passed, shared, named,
	} {
		w.Tell(o)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	want := []outcome.Event{
		{At: at, Handler: "fcm", Verdict: "ack", Stream: "PUSH", StreamSeq: 1, Users: []string{alice.String()}, Accepted: 2},
		{At: at, Handler: "fcm", Verdict: "ack", Stream: "PUSH", StreamSeq: 3, Users: []string{alice.String(), bob.String()}, Accepted: 5},
		{At: at, Handler: "fcm", Verdict: "ack", Stream: "PUSH", StreamSeq: 6, Users: []string{}, Untargeted: []string{bob.String()}},
		{At: at, Handler: "fcm", Verdict: "ack", Stream: "PUSH", StreamSeq: 7, Users: []string{alice.String()}, Untargeted: []string{bob.String()}, Accepted: 1},
	}
	if diff := cmp.Diff(want, brief.events); diff != "" || len(brief.messages) != 1 {
		t.Errorf("%d messages, told in brief (-want +got):\n%s", len(brief.messages), diff)
	}
	var inFull []uint64
	for _, e := range full.events {
		inFull = append(inFull, e.StreamSeq)
	}
	if !slices.Equal(inFull, []uint64{2, 4, 5, 8}) {
		t.Errorf("told in full are %d", inFull)
	}
	var b outcome.Brief
	if err := json.Unmarshal([]byte(brief.messages[0]), &b); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(b); err != nil || string(again) != brief.messages[0] {
		t.Errorf("the message is %s, and read and written again %s, %v", brief.messages[0], again, err)
	}
	if outcome.MentionsSeq([]byte(brief.messages[0]), 2) || !outcome.MentionsSeq([]byte(brief.messages[0]), 3) {
		t.Error("a receipt is not found in its message, or in another's")
	}
}

func TestBriefsOfOthersAreNoEvents(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"accepted":[[1]]}`, `{"accepted":[["x",1]]}`, `{"accepted":[[1,"x"]]}`, `{"accepted":[[1,1,2]]}`, `{"accepted":5}`} {
		for e := range outcome.ReadBrief([]byte(text)) {
			t.Errorf("%q has the event %+v", text, e)
		}
	}
}

func (s *sink) brief(_ string, message []byte) error {
	s.messages = append(s.messages, string(message))
	s.events = slices.AppendSeq(s.events, outcome.ReadBrief(message))
	return nil
}

// TestDryRunIsToldInFull: a brief says that pushes were delivered, which those of a handler
// that runs dry are not.
func TestDryRunIsToldInFull(t *testing.T) {
	t.Parallel()
	s, briefs := &sink{}, 0
	r := outcome.New(outcome.Options{
		Publish: s.publish, Hash: mask, Dry: []string{"trial"},
		PublishBrief: func(string, []byte) error { briefs++; return nil },
	}, prometheus.NewRegistry())
	for _, handler := range []string{"fcm", "trial"} {
		r.Observer().Tell(consumer.Outcome{
			Handler: handler, Verdict: retry.Ack, Attempts: 1, Counts: push.Targets{Accepted: 1},
			Users: []push.Uid{1000}, Targets: []push.Target{{Device: push.Device{User: 1000, ID: "phone"}, Result: push.ResultAccepted}},
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if briefs != 1 || len(s.events) != 1 || s.events[0].Handler != "trial" || !s.events[0].DryRun || s.events[0].Accepted != 1 {
		t.Errorf("%d briefs, and in full %+v", briefs, s.events)
	}
}
