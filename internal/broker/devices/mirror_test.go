package devices_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestMirror: a mirror knows everybody before it is asked, users without devices too, and
// hears of changes; what it does not know of is read, like a list that is damaged.
func TestMirror(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	const users = 300
	fillUsers(t, nc, users)
	mirror := runDevices(t, r.broker.Connect(t), devices.Options{Mirror: true, CacheBytes: 1, CacheTTL: time.Nanosecond})
	reads := func(want int64, all ...push.Uid) map[push.Uid][]push.Device {
		t.Helper()
		_, before := mirror.CacheCounts()
		found := devicesOf(t, mirror, all...)
		if _, after := mirror.CacheCounts(); after-before != want {
			t.Fatalf("%d of %d users were read, want %d", after-before, len(all), want)
		}
		return found
	}
	brokertest.Eventually(t, "everybody is known", func() bool {
		_, before := mirror.CacheCounts()
		devicesOf(t, mirror, users)
		_, after := mirror.CacheCounts()
		return before == after
	})
	if found := reads(0, 1, users, users+1, users+2); len(found) != 2 || len(found[1]) != 1 || len(found[users]) != 1 {
		t.Errorf("Devices = %v, want those of two users", found)
	}
	putDevice(t, r.devices, users+1, "new")
	brokertest.Eventually(t, "a new user is heard of", func() bool { return len(reads(0, users+1)) == 1 })
	if _, err := r.devices.Remove(t.Context(), push.Device{User: 1}); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "a removal is heard of", func() bool { return len(reads(0, 1)) == 0 })
	storeRaw(t, nc, 2, "no list")
	brokertest.Eventually(t, "a damaged list is told", func() bool {
		_, err := mirror.Devices(t.Context(), []push.Uid{2, 3}, "")
		var unreadable *push.UnreadableError
		return errors.As(err, &unreadable) && len(unreadable.Users) == 1
	})
}

// TestMirrorAfterAnOutage: what changed while the connection was down is known after it,
// and before the mirror is complete again the broker is asked.
func TestMirrorAfterAnOutage(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	p := brokertest.NewProxy(t, r.broker.URL())
	mirror := runDevices(t, connectBy(t, p), devices.Options{Mirror: true})
	putDevice(t, r.devices, 1, "x")
	brokertest.Eventually(t, "heard of", func() bool { return len(devicesOf(t, mirror, 1)) == 1 })
	p.Shut(true)
	putDevice(t, r.devices, 1, "y")
	putDevice(t, r.devices, 2, "z")
	p.Shut(false)
	brokertest.Eventually(t, "what was missed is known", func() bool {
		found, err := mirror.Devices(t.Context(), []push.Uid{1, 2}, "")
		return err == nil && len(found[1]) == 1 && found[1][0].Token == "y" && len(found[2]) == 1
	})
}

// TestMirrorOfALostBucket: a mirror that begins again beside a bucket that is not the one
// that was opened knows nobody, and so nobody looks like a user without devices.
func TestMirrorOfALostBucket(t *testing.T) {
	t.Parallel()
	for name, lose := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			provisionDevices(t, r.Conn)
			p := brokertest.NewProxy(t, r.Broker.URL())
			var log brokertest.Log
			mirror := runDevices(t, connectBy(t, p), devices.Options{Mirror: true, Log: zerolog.New(&log)})
			putDevice(t, mirror, 1, "x")
			brokertest.Eventually(t, "heard of", func() bool { return len(devicesOf(t, mirror, 1)) == 1 })
			p.Shut(true)
			lose(t, r)
			p.Shut(false)
			brokertest.Eventually(t, "the worker says that it does not watch", func() bool {
				return strings.Contains(log.String(), "cannot watch device changes")
			})
			if found, err := mirror.Devices(t.Context(), []push.Uid{1, 2}, ""); err == nil {
				t.Errorf("found %v without an error", found)
			}
		})
	}
}
