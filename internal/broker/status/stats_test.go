package status_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

func TestStats(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.Handlers = []string{"fcm", "stdout"} })
	r.Publish(t, 8)
	s := queue.NewScheduler(r.Conn, r.Topology)
	schedule := func(m consumer.Message, delay time.Duration, alone bool) {
		retry := brokertest.RetryOf(m, delay)
		retry.Origin.Alone = alone
		if err := s.Schedule(t.Context(), retry); err != nil {
			t.Error(err)
		}
		brokertest.Ack(t, m)
	}
	// 1 is acknowledged, 2 to 4 are scheduled, 5 is due, 6 is a suspect, 7 and 8 are
	// in flight, 8 for the second time.
	_, err := r.Lane.Fresh.Pull(t.Context(), 8, 0, nil, func(m consumer.Message) {
		switch seq := m.Origin().Seq; {
		case seq == 1:
			brokertest.Ack(t, m)
		case seq <= 4:
			schedule(m, time.Hour, false)
		case seq == 5:
			schedule(m, 0, false)
		case seq == 6:
			schedule(m, 0, true)
		case seq == 8:
			_ = m.Nak(0)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Lane.Fresh.Pull(t.Context(), 1, 0, nil, func(consumer.Message) {}); err != nil {
		t.Fatal(err)
	}
	r.Publish(t, 2)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 1))
	brokertest.Eventually(t, "acknowledged", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 6 })
	r.AwaitPending(t, "PUSH", "fcm", 2)
	r.AwaitPending(t, "PUSH", "stdout", 10)
	r.AwaitPending(t, "PUSH_RETRY", "fcm", 1)
	r.AwaitPending(t, "PUSH_RETRY", "fcm-suspects", 1)
	stats, err := status.NewReader(r.Conn).Stats(t.Context(), r.Topology)
	if err != nil {
		t.Fatal(err)
	}
	published := r.Stored(t, "PUSH")
	want := []status.LaneStats{
		{
			Handler: "fcm", Pending: 2, Delivered: 8, InFlight: 2, Redelivered: 1, RetriesWaiting: 5, Scheduled: 3, Due: 1, Suspects: 1,
			OldestPending: published[6].Time,
		},
		{Handler: "stdout", Pending: 10, OldestPending: published[0].Time},
	}
	if diff := cmp.Diff(want, stats.Lanes, cmpopts.IgnoreFields(status.LaneStats{}, "OldestPendingSeconds")); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
	for _, l := range stats.Lanes {
		if age := time.Since(l.OldestPending).Seconds(); l.OldestPendingSeconds <= 0 || l.OldestPendingSeconds > age {
			t.Errorf("%s: oldest pending is %f s old, want up to %f", l.Handler, l.OldestPendingSeconds, age)
		}
	}
	type row struct {
		Stream          string
		Messages, First uint64
		Max             int64
		Age             float64
	}
	var rows []row
	for _, s := range stats.Streams {
		rows = append(rows, row{s.Stream, s.Messages, s.FirstSeq, s.MaxBytes, s.MaxAgeSeconds})
		if s.Bytes == 0 || s.First.IsZero() || s.Last.Before(s.First) || s.Replicas != 1 {
			t.Errorf("%+v", s)
		}
	}
	if diff := cmp.Diff([]row{{"PUSH", 10, 1, 1 << 30, 3600}, {"PUSH_RETRY", 5, 1, 1 << 30, 0}, {"PUSH_DEAD", 1, 1, 64 << 20, 3600}}, rows); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
}

func TestStatsOfNothing(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	stats, err := status.NewReader(r.Conn).Stats(t.Context(), r.Topology)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(stats.Lanes)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"handler":"fcm","pending":0,"delivered":0,"in_flight":0,"redelivered":0,"retries_waiting":0,"scheduled":0,"due":0,"suspects":0,"oldest_pending_seconds":0,"paused":false}]`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
}

func TestStatsShowThatALaneIsPaused(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	if _, err := r.JetStream.PauseConsumer(t.Context(), "PUSH", "fcm", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	stats, err := status.NewReader(r.Conn).Stats(t.Context(), r.Topology)
	if err != nil || !stats.Lanes[0].Paused {
		t.Errorf("%+v, %v", stats, err)
	}
	if diffs, err := topology.Provision(t.Context(), r.Conn, r.Topology); len(diffs) > 0 || err != nil {
		t.Errorf("a pause is not for Provision to end: %v, %v", diffs, err)
	}
}

func TestStatsLeaveOutWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Topology.Handlers = append(r.Topology.Handlers, "apns")
	if err := r.JetStream.DeleteStream(t.Context(), "PUSH_DEAD"); err != nil {
		t.Fatal(err)
	}
	stats, err := status.NewReader(r.Conn).Stats(t.Context(), r.Topology)
	brokertest.WantError(t, err, "durable apns of stream PUSH", "stream PUSH_DEAD")
	if len(stats.Lanes) != 1 || len(stats.Streams) != 2 {
		t.Errorf("%d lanes and %d streams, want the 1 and 2 that exist", len(stats.Lanes), len(stats.Streams))
	}
}
