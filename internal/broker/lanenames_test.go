package broker_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

func TestLaneNames(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := conn.Provision(t.Context(), b.Topology("stdout", "fcm")); err != nil {
		t.Fatal(err)
	}
	got, err := conn.LaneNames(t.Context(), b.Topology()) // knows no handler
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"fcm", "stdout"}, got); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
}
