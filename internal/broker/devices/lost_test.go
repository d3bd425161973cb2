package devices_test

import (
	"errors"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// A bucket that is missing or empty is a loss if there have been receipts, and the
// beginning if there have not.
func TestDevicesAreLostBesideReceiptsOnly(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	lost := func() error { return devices.Lost(t.Context(), r.Conn, r.Topology) }
	if err := lost(); err != nil {
		t.Errorf("before the first receipt: %v", err)
	}
	r.Publish(t, 1)
	if err := lost(); !errors.Is(err, devices.ErrLost) {
		t.Errorf("a bucket that is missing beside receipts: %v", err)
	}
	brokertest.WantError(t, lost(), "bucket push-devices", "device import --create", "run --create")
	provisionDevices(t, r.Conn)
	if err := lost(); err != nil {
		t.Errorf("with a bucket: %v", err)
	}
	s, err := r.JetStream.Stream(t.Context(), "KV_push-devices")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lost(); !errors.Is(err, devices.ErrLost) {
		t.Errorf("a bucket that was emptied: %v", err)
	}
	if _, err := devices.Open(t.Context(), r.Conn, devices.Options{}); !errors.Is(err, devices.ErrNoBucket) {
		t.Errorf("an emptied bucket is opened: %v", err)
	}
}

// losses are the ways in which the devices can get lost while a worker runs.
func losses() map[string]func(*testing.T, *brokertest.Rig) {
	return map[string]func(*testing.T, *brokertest.Rig){
		"deleted": func(t *testing.T, r *brokertest.Rig) {
			t.Helper()
			r.Broker.DeleteStream(t, "KV_push-devices")
		},
		"emptied": func(t *testing.T, r *brokertest.Rig) {
			t.Helper()
			s, err := r.JetStream.Stream(t.Context(), "KV_push-devices")
			if err == nil {
				err = s.Purge(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"made anew": func(t *testing.T, r *brokertest.Rig) {
			t.Helper()
			r.Broker.DeleteStream(t, "KV_push-devices")
			provisionDevices(t, r.Conn)
		},
		"made anew without a mask": func(t *testing.T, r *brokertest.Rig) {
			t.Helper()
			r.Broker.DeleteStream(t, "KV_push-devices")
			if err := devices.ProvisionBucket(t.Context(), r.Conn); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// While the bucket is missing, emptied or another one, no user looks like one without
// devices.
func TestALostBucketIsNoUserWithoutDevices(t *testing.T) {
	t.Parallel()
	for name, lose := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			provisionDevices(t, r.Conn)
			d, err := devices.Open(t.Context(), r.Conn, devices.Options{})
			if err != nil {
				t.Fatal(err)
			}
			putDevice(t, d, 1, "x")
			if n, err := devices.Count(t.Context(), r.Conn); n != 1 || err != nil {
				t.Errorf("%d devices are counted, %v", n, err)
			}
			if found, err := d.Devices(t.Context(), []push.Uid{1, 2}, ""); len(found[1]) != 1 || len(found[2]) != 0 || err != nil {
				t.Fatalf("found %v, %v", found, err)
			}
			if err := d.Ready(t.Context()); err != nil {
				t.Errorf("Ready = %v", err)
			}
			lose(t, r)
			d.Forget()
			if found, err := d.Devices(t.Context(), []push.Uid{1, 2}, ""); err == nil {
				t.Errorf("found %v without an error", found)
			}
			if err := d.Ready(t.Context()); err == nil {
				t.Error("ready")
			}
		})
	}
}
