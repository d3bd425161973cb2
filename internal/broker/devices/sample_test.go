package devices_test

import (
	"strconv"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestSampleIsBounded: of few users it has every device, and of many some, the oldest
// and the newest registration among them, each once.
func TestSampleIsBounded(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	for u := range push.Uid(99) { // and watched
		putDevice(t, r.devices, u+1, "token-"+strconv.Itoa(int(u)))
	}
	conn := r.broker.Connect(t)
	for users, want := range map[int]struct {
		least, most int
		all         bool
	}{1000: {100, 100, true}, 100: {100, 100, true}, 16: {20, 32, false}} {
		found, all, err := devices.Sample(t.Context(), conn, users)
		seen := make(map[push.Uid]int)
		for _, d := range found {
			seen[d.User]++
		}
		if err != nil || all != want.all || len(found) < want.least || len(found) > want.most || len(seen) != len(found) || seen[watched] != 1 || seen[99] != 1 {
			t.Errorf("a sample of %d has %d devices of %d users, all: %t, %v; want %+v", users, len(found), len(seen), all, err, want)
		}
	}
}
