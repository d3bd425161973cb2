package lanes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

func TestLaneNames(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := topology.Provision(t.Context(), conn, b.Topology("stdout", "fcm")); err != nil {
		t.Fatal(err)
	}
	got, err := lanes.Names(t.Context(), conn, b.Topology()) // knows no handler
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"fcm", "stdout"}, got); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
}
