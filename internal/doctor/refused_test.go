package doctor_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/doctor"
	"github.com/pushworker/pushworker/pkg/push"
)

// Devices are named whose address no handler takes any more, although one is of their
// type.
func TestBrokerNamesAddressesThatNobodyTakes(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topo := b.Topology("webpush")
	conn := b.Connect(t)
	_, err := topology.Provision(t.Context(), conn, topo)
	if err == nil {
		_, err = devices.Provision(t.Context(), conn, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := devices.Open(t.Context(), conn, devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for id, token := range map[string]string{"phone": "ours", "desk": "elsewhere"} {
		if _, err := d.Put(t.Context(), push.Device{User: 1, ID: id, Provider: "webpush", Token: token}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load([]string{`PUSHWORKER_HANDLERS=[{"name":"webpush"}]`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	address := func(d push.Device) (push.Device, error) {
		if d.Token != "ours" {
			return d, errors.New("a server that the key origins does not admit")
		}
		return d, nil
	}
	found := doctor.Broker(c, topo, address, func(ctx context.Context) (*broker.Conn, error) {
		return broker.Connect(ctx, broker.Options{URL: b.URL(), Log: zerolog.Nop()})
	}).Look(t.Context())
	wantFinding(t, found, push.LevelWarn, "webpush: a server that the key origins does not admit: nothing is sent to 1 of 2 devices")
}
