package topology_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// A stream that is there becomes the first of several: it keeps its receipts and positions,
// plain publishers still reach it, and every lane has a durable everywhere.
func TestOneStreamGrowsToSeveral(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c, topo := b.Connect(t), b.Topology("fcm")
	topo.Starts = map[string]string{"fcm": topology.StartNew}
	mustProvision(t, c, topo)
	b.Store(t, "push.receipts.1", 1, func(int) []byte { return []byte("before") })
	topo.Shards = 3
	mustProvision(t, c, topo)
	for _, subject := range []string{"push.receipts", "push.receipts.0", "push.receipts.1", "push.receipts.1.eu", "push.receipts.2"} {
		b.Store(t, subject, 1, func(int) []byte { return []byte(subject) })
	}
	stats, err := status.NewReader(c).Stats(t.Context(), topo)
	if err != nil {
		t.Fatal(err)
	}
	held := make(map[string]uint64)
	for _, s := range stats.Streams {
		held[s.Stream] = s.Messages
	}
	want := map[string]uint64{"PUSH": 3, "PUSH_1": 2, "PUSH_2": 1, "PUSH_RETRY": 0, "PUSH_DEAD": 0}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if lane := stats.Lanes[0]; lane.Pending != 6 || lane.OldestPending.IsZero() {
		t.Errorf("lane %+v, want the 6 of all streams pending", lane)
	}
	if diffs, err := topology.Provision(t.Context(), c, topo); len(diffs) > 0 || err != nil {
		t.Errorf("provisioning again: %v, %v", diffs, err)
	}
	if diffs, err := topology.Bind(t.Context(), c, topo); len(diffs) > 0 || err != nil {
		t.Errorf("binding: %v, %v", diffs, err)
	}
}

// Who knows of fewer streams than there are is refused, and changes nothing; once the
// streams are removed there are fewer.
func TestFewerStreamsThanThereAre(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c, topo := b.Connect(t), b.Topology("fcm")
	topo.Shards = 3
	mustProvision(t, c, topo)
	for _, fewer := range []int{0, 1, 2} {
		small := topo
		small.Shards = fewer
		_, err := topology.Provision(t.Context(), c, small)
		_, err2 := topology.Bind(t.Context(), c, small)
		for _, err := range []error{err, err2, topology.CheckShards(t.Context(), c, small)} {
			if !errors.Is(err, topology.ErrShards) {
				t.Errorf("with %d streams: %v, want ErrShards", fewer, err)
			}
			brokertest.WantError(t, err, "PUSHWORKER_STREAMS=3")
		}
	}
	if err := topology.CheckShards(t.Context(), c, topo); err != nil {
		t.Error(err)
	}
	b.DeleteStream(t, "PUSH_1")
	topo.Shards = 1
	_, err := topology.Provision(t.Context(), c, topo)
	brokertest.WantError(t, err, "PUSH_2") // whose receipts nobody would take
	b.DeleteStream(t, "PUSH_2")
	mustProvision(t, c, topo)
	b.Store(t, "push.receipts.1", 1, func(int) []byte { return []byte("in the only stream") })
	if info, err := c.StreamInfo(t.Context(), "PUSH"); err != nil || info.State.Msgs != 1 {
		t.Errorf("PUSH is %+v, %v", info, err)
	}
}

// A durable that is deleted is made anew where its lane was in that stream.
func TestPositionsOfEachStream(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c, topo := b.Connect(t), b.Topology("fcm")
	topo.Shards = 2
	mustProvision(t, c, topo)
	b.Store(t, "push.receipts.1", 3, func(int) []byte { return []byte("{}") })
	shard := topo.Each()[1]
	lane := brokertest.BindLane(t, c, shard)
	brokertest.Ack(t, brokertest.PullOne(t, lane.Fresh))
	brokertest.Eventually(t, "settled", func() bool {
		info, err := c.ConsumerInfo(t.Context(), "PUSH_1", "fcm")
		return err == nil && info.AckFloor.Stream == 1
	})
	for _, one := range []topology.Topology{shard, topo.Each()[0]} {
		if err := topology.NewPositions(c, one, zerolog.Nop()).Record(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.JetStream().DeleteConsumer(t.Context(), "PUSH_1", "fcm"); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, c, topo)
	info, err := c.ConsumerInfo(t.Context(), "PUSH_1", "fcm")
	if err != nil || info.NumPending != 2 || info.Config.DeliverPolicy != jetstream.DeliverByStartSequencePolicy {
		t.Errorf("the durable is %+v, %v, want 2 receipts left", info, err)
	}
	if err := topology.ForgetPosition(t.Context(), c, topo, "fcm"); err != nil {
		t.Error(err)
	}
}

func mustProvision(t *testing.T, c *broker.Conn, topo topology.Topology) {
	t.Helper()
	if _, err := topology.Provision(t.Context(), c, topo); err != nil {
		t.Fatal(err)
	}
}
