package queue_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// In a cluster, the word that there is no room for the next message overtakes those that
// were delivered before: they must not be lost until the ack wait is over.
func TestRequestsThatAreFullInACluster(t *testing.T) {
	t.Parallel()
	const n = 2000
	cluster := brokertest.StartCluster(t, 3)
	conn := brokertest.ConnectTo(t, cluster.URL(0), zerolog.Nop())
	topo := (*brokertest.Broker)(nil).Topology("fcm")
	topo.Replicas, topo.AckWait = 3, 10*time.Minute
	brokertest.Eventually(t, "provisioned", func() bool {
		_, err := topology.Provision(t.Context(), conn, topo)
		return err == nil
	})
	nc, err := nats.Connect(cluster.URL(1), nats.Timeout(brokertest.Deadline))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	brokertest.Fill(t, js, topo.Subject, n, func(i int) []byte { return fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", i%1000)) })
	lane := brokertest.BindLane(t, conn, topo)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	taken := 0
	for taken < n && ctx.Err() == nil {
		if _, err := lane.Fresh.Pull(ctx, 100, 20_000, nil, func(m consumer.Message) {
			taken++
			brokertest.Ack(t, m)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if taken != n {
		t.Errorf("%d of %d messages have come; the others wait for the ack wait", taken, n)
	}
}
