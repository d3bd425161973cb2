package config_test

import (
	"testing"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestUnclaimedDevice: what no handler takes is told with the setting to change.
func TestUnclaimedDevice(t *testing.T) {
	t.Parallel()
	var l config.HandlerList
	if err := l.Decode(`[{"name":"a","type":"fcm","config":{"apps":["a"]}},{"name":"b","type":"fcm","config":{"apps":["b"]}},{"name":"stdout"},
		{"name":"off","type":"hms","config":{"enabled":false}},{"name":"apns"}]`); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ provider, app, why, hint string }{
		{"fcm", "a", "", ""},
		{"fcm", "b", "", ""},
		{"apns", "whatever", "", ""},
		{"fcm", "c", `app "c" of fcm is claimed by no instance`, `add "c" to "apps" of a or b in PUSHWORKER_HANDLERS`},
		{"fcm", "", `a device of fcm without an app is claimed by no instance`, `add "" to "apps" of a or b in PUSHWORKER_HANDLERS`},
		{"hms", "", "no enabled handler is of type hms", "enable one in PUSHWORKER_HANDLERS, or remove the devices with pushworker device rm"},
	} {
		why, hint := l.Unclaimed(push.Device{Provider: test.provider, Extra: &push.Extra{App: test.app}})
		if why != test.why || hint != test.hint {
			t.Errorf("%s %q: %q, %q; want %q, %q", test.provider, test.app, why, hint, test.why, test.hint)
		}
	}
	if !l.ReachesDevices() || l[2:3].ReachesDevices() {
		t.Error("fcm reaches devices, and stdout does not")
	}
}
