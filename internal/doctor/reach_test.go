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
	"github.com/pushworker/pushworker/internal/doctor"
	"github.com/pushworker/pushworker/pkg/push"
)

// picky is a handler that takes devices of production only, and has them activated.
func picky() push.Handler {
	return push.Adapt(func(string) (push.Work, error) {
		return push.Work{
			Handle:    func(context.Context, *push.Receipt) error { return nil },
			Reaches:   func(d push.Device) bool { return d.For("apns") && d.More().Env != "sandbox" },
			Activates: func(push.Device) bool { return true },
		}, nil
	})
}

// Devices that no handler takes are counted, whatever the reason, each once; so are those
// that wait to be activated.
func TestReachCountsDevicesThatGetNothing(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := devices.Provision(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	d, err := devices.Open(t.Context(), conn, devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	of := func(id string, extra push.Extra) push.Device {
		return push.Device{User: 1, ID: id, Provider: "apns", Token: "token-" + id, Extra: &extra}
	}
	refused, activated := of("refused", push.Extra{Env: "sandbox"}), of("activated", push.Extra{Activated: true})
	for _, one := range []push.Device{of("phone", push.Extra{}), of("pad", push.Extra{}), of("build", push.Extra{Env: "sandbox"}), activated, refused} {
		if _, err := d.Put(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load([]string{`PUSHWORKER_HANDLERS=[{"name":"apns"},{"name":"off","type":"apns","config":{"enabled":false}},{"name":"stdout"}]`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := picky()
	if err := h.Init(""); err != nil {
		t.Fatal(err)
	}
	h.Stop()
	r := doctor.NewReach(t.Context(), c, func(ctx context.Context) (*broker.Conn, error) {
		return broker.Connect(ctx, broker.Options{URL: b.URL(), Log: zerolog.Nop()})
	})
	r.See("apns", "apns", h)
	r.See("off", "apns", nil)
	r.See("stdout", "stdout", picky())
	address := func(d push.Device) (push.Device, error) {
		if d.ID == "refused" {
			return d, errors.New("a bad token")
		}
		return d, nil
	}
	found := r.Findings(c, address)
	wantFinding(t, found, push.LevelWarn, "2 of 5 devices are not activated")
	wantFinding(t, found, push.LevelWarn, `apns, env "sandbox": no handler takes it: nothing is sent to 1 of 5 devices`)
	if len(found) != 2 {
		t.Errorf("found %d findings, want 2: %v", len(found), found)
	}
	for id, want := range map[string]string{"build": `apns, env "sandbox": no handler takes it`, "refused": "apns: a bad token"} {
		why, hint := doctor.Untaken(c, of(id, push.Extra{Env: "sandbox"}), address)
		if why != want || hint == "" {
			t.Errorf("%s is not taken: %q, %q", id, why, hint)
		}
	}
	c.Directory = config.InNATS // it has the devices, and they cannot be listed
	elsewhere := doctor.NewReach(t.Context(), c, func(context.Context) (*broker.Conn, error) { return nil, errors.New("asked") })
	elsewhere.See("apns", "apns", h)
	if found := elsewhere.Findings(c, address); len(found) > 0 {
		t.Errorf("a foreign directory: %v", found)
	}
}
