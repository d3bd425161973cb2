package device_test

import (
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestFails: since when a device fails is kept over restarts; the first time counts, until it
// is well, or registers anew.
func TestFails(t *testing.T) {
	t.Parallel()
	var s device.Memory
	phone := push.Device{User: 1, ID: "phone", Provider: "fcm", Token: "t-phone"}
	put(t, device.New(&s, device.Options{}), 1, "phone", "t-phone")
	put(t, device.New(&s, device.Options{}), 1, "other", "t-other")
	at := time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)
	away := func(hour int) push.Failing {
		return push.Failing{Why: "away", Since: at.Add(time.Duration(hour) * time.Hour)}
	}
	for _, step := range []struct {
		name     string
		is, want push.Failing
		again    bool // the device registers first
	}{
		{"away", away(0), away(0), false},
		{"away still", away(5), away(0), false},
		{"unreachable now", push.Failing{Why: "unreachable", Since: at}, push.Failing{Why: "unreachable", Since: at}, false},
		{"away again", away(6), away(6), false},
		{"well", push.Failing{}, push.Failing{}, false},
		{"well still", push.Failing{}, push.Failing{}, false},
		{"away once more", away(7), away(7), false},
		{"registered anew", push.Failing{}, push.Failing{}, true},
	} {
		d := device.New(&s, device.Options{}) // a worker that has just begun
		if step.again {
			put(t, d, 1, "phone", "t-phone")
		} else if err := d.Fails(t.Context(), phone, step.is); err != nil {
			t.Fatal(err)
		}
		found, err := d.Devices(t.Context(), []push.Uid{1}, "fcm")
		if err != nil || len(found[1]) != 2 {
			t.Fatal(found, err)
		}
		for _, have := range found[1] {
			want := push.Failing{}
			if have.ID == "phone" {
				want = step.want
			}
			if have.More().Failing != want {
				t.Errorf("%s: %s fails %v, want %v", step.name, have.ID, have.More().Failing, want)
			}
		}
	}
	if err := device.New(&s, device.Options{}).Fails(t.Context(), push.Device{User: 9, Token: "t"}, away(0)); err != nil {
		t.Errorf("nobody's device: %v", err)
	}
}

// TestGoneForItsFailure: a device that another worker has found well meanwhile stays.
func TestGoneForItsFailure(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)
	away, later := push.Failing{Why: "away", Since: at}, push.Failing{Why: "away", Since: at.Add(time.Hour)}
	for name, test := range map[string]struct {
		noted  []push.Failing
		reason string
		leaves bool
	}{
		"fails still":             {[]push.Failing{away}, "away", true},
		"is well":                 {[]push.Failing{away, {}}, "away", false},
		"was well meanwhile":      {[]push.Failing{away, {}, later}, "away", false},
		"is well, but gone":       {[]push.Failing{away, {}}, "unregistered", true},
		"fails in another manner": {[]push.Failing{{Why: "unreachable", Since: at}}, "away", false},
	} {
		var s device.Memory
		d := device.New(&s, device.Options{})
		put(t, d, 1, "phone", "t-phone")
		phone := push.Device{User: 1, ID: "phone", Provider: "fcm", Token: "t-phone"}
		for _, is := range test.noted {
			if err := d.Fails(t.Context(), phone, is); err != nil {
				t.Fatal(err)
			}
		}
		phone.Extra = &push.Extra{Failing: away} // as a worker has read it
		if err := d.Gone(t.Context(), phone, time.Now(), test.reason); err != nil {
			t.Fatal(err)
		}
		list, err := d.List(t.Context(), 1)
		if err != nil || (len(list) == 0) != test.leaves {
			t.Errorf("%s: left %v, %v, want that it leaves: %t", name, list, err, test.leaves)
		}
	}
}
