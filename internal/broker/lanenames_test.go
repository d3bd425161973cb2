package broker_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

func TestLaneNames(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := broker.Provision(t.Context(), conn, b.Topology("stdout", "fcm")); err != nil {
		t.Fatal(err)
	}
	got, err := broker.LaneNames(t.Context(), conn, b.Topology()) // knows no handler
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"fcm", "stdout"}, got); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
}
