package broker_test

import (
	"errors"
	"testing"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/pkg/push"
)

// A bucket that is missing or empty is a loss if there have been receipts, and the
// beginning if there have not.
func TestDevicesAreLostBesideReceiptsOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lost := func() error { return broker.DevicesLost(t.Context(), r.conn, r.topo) }
	if err := lost(); err != nil {
		t.Errorf("before the first receipt: %v", err)
	}
	r.publish(t, 1)
	if err := lost(); !errors.Is(err, broker.ErrDevicesLost) {
		t.Errorf("a bucket that is missing beside receipts: %v", err)
	}
	wantError(t, lost(), "bucket push-devices", "device import --create", "run --create")
	provisionDevices(t, r.conn)
	if err := lost(); err != nil {
		t.Errorf("with a bucket: %v", err)
	}
	s, err := r.js.Stream(t.Context(), "KV_push-devices")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lost(); !errors.Is(err, broker.ErrDevicesLost) {
		t.Errorf("a bucket that was emptied: %v", err)
	}
	if _, err := broker.OpenDevices(t.Context(), r.conn, broker.DeviceOptions{}); !errors.Is(err, broker.ErrNoBucket) {
		t.Errorf("an emptied bucket is opened: %v", err)
	}
}

// While the bucket is missing, emptied or another one, no user looks like one without
// devices.
func TestALostBucketIsNoUserWithoutDevices(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, *rig){
		"deleted": func(t *testing.T, r *rig) {
			t.Helper()
			r.broker.DeleteStream(t, "KV_push-devices")
		},
		"emptied": func(t *testing.T, r *rig) {
			t.Helper()
			s, err := r.js.Stream(t.Context(), "KV_push-devices")
			if err == nil {
				err = s.Purge(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"made anew": func(t *testing.T, r *rig) {
			t.Helper()
			r.broker.DeleteStream(t, "KV_push-devices")
			provisionDevices(t, r.conn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			provisionDevices(t, r.conn)
			d, err := broker.OpenDevices(t.Context(), r.conn, broker.DeviceOptions{})
			if err != nil {
				t.Fatal(err)
			}
			putDevice(t, d, 1, "x")
			if n, err := broker.CountDevices(t.Context(), r.conn); n != 1 || err != nil {
				t.Errorf("%d devices are counted, %v", n, err)
			}
			if found, err := d.Devices(t.Context(), []push.Uid{1, 2}); len(found[1]) != 1 || len(found[2]) != 0 || err != nil {
				t.Fatalf("found %v, %v", found, err)
			}
			if err := d.Ready(t.Context()); err != nil {
				t.Errorf("Ready = %v", err)
			}
			lose(t, r)
			d.Forget()
			if found, err := d.Devices(t.Context(), []push.Uid{1, 2}); err == nil {
				t.Errorf("found %v without an error", found)
			}
			if err := d.Ready(t.Context()); err == nil {
				t.Error("ready")
			}
		})
	}
}
