package devicetest

import (
	"errors"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

func removesDead(b *bench) {
	dead, alive := newDevice(alice, "phone", "dead"), newDevice(alice, "tablet", "alive")
	b.put(dead)
	b.put(alive)
	if err := b.dir.Gone(b.Context(), dead, time.Now(), "unregistered"); err != nil {
		b.Fatal(err)
	}
	b.want(alice, alive)
	b.wantEvents([3]string{alice.String(), "phone", "unregistered"})
	bobs := newDevice(bob, "phone", "dead")
	b.put(bobs)
	b.want(bob, bobs)
	b.want(alice, alive)
	b.wantEvents([3]string{alice.String(), "phone", "unregistered"})
	if err := b.dir.Gone(b.Context(), alive, time.Now(), "unregistered"); err != nil {
		b.Fatal(err)
	}
	b.want(alice)
}

func keepsNewerThanVerdict(b *bench) {
	d := newDevice(alice, "phone", "token")
	b.put(d)
	at := b.registered("phone")
	if err := b.dir.Gone(b.Context(), d, at.Add(-time.Nanosecond), "unregistered"); err != nil {
		b.Fatal(err)
	}
	b.want(alice, d)
	b.wantEvents()
	if err := b.dir.Gone(b.Context(), d, at, "unregistered"); err != nil {
		b.Fatal(err)
	}
	b.want(alice)
}

func ignoresUnknownVerdict(b *bench) {
	d := newDevice(alice, "phone", "token")
	verdicts := func() {
		b.Helper()
		for _, gone := range []push.Device{newDevice(alice, "phone", "other"), newDevice(bob, "phone", "token"), newDevice(0, "phone", "token")} {
			if err := b.dir.Gone(b.Context(), gone, time.Now(), "unregistered"); err != nil {
				b.Errorf("Gone(%v) = %v", gone, err)
			}
		}
	}
	verdicts()
	b.put(d)
	verdicts()
	b.want(alice, d)
	b.wantEvents()
	d.ID = "renamed" // the token counts
	if err := b.dir.Gone(b.Context(), d, time.Now(), "unregistered"); err != nil {
		b.Fatal(err)
	}
	b.want(alice)
}

func removesSelected(b *bench) {
	web := newDevice(alice, "1", "t4")
	web.Provider = "webpush"
	all := []push.Device{newDevice(alice, "1", "t1"), newDevice(alice, "2", "t2"), newDevice(alice, "3", "t3"), web}
	for name, c := range map[string]struct {
		like push.Device
		want []push.Device
	}{
		"by id":           {push.Device{ID: "1"}, all[1:3]},
		"by token":        {push.Device{Token: "t2"}, []push.Device{all[0], all[2], all[3]}},
		"by provider":     {push.Device{Provider: "fcm"}, all[3:]},
		"by all of them":  {push.Device{ID: "1", Provider: "webpush", Token: "t4"}, all[:3]},
		"by what is none": {push.Device{ID: "1", Token: "t2"}, all},
		"all":             {push.Device{}, nil},
	} {
		for _, d := range all {
			b.put(d)
		}
		c.like.User = alice
		n, err := b.dir.Remove(b.Context(), c.like)
		if err != nil || n != len(all)-len(c.want) {
			b.Errorf("%s: Remove = %d, %v", name, n, err)
		}
		b.want(alice, c.want...)
	}
	if _, err := b.dir.Remove(b.Context(), push.Device{ID: "1"}); err == nil {
		b.Error("Remove without a user: no error")
	} else if _, ok := errors.AsType[*device.InvalidError](err); !ok {
		b.Errorf("Remove without a user: %v", err)
	}
	const removed = 2 + 1 + 3 + 1 + 4
	eventually(b, "an event per device removed", func() bool { return len(b.gone.all()) >= removed })
	for _, e := range b.gone.all() {
		if e.Reason != device.ReasonRemoved {
			b.Errorf("an event says %q", e.Reason)
		}
	}
	if n := len(b.gone.all()); n != removed {
		b.Errorf("%d events, want %d", n, removed)
	}
}

func copiesAll(b *bench) {
	for _, d := range []push.Device{
		newDevice(alice, "1", "t1"), newDevice(bob, "1", "t2"), newDevice(alice, "2", "t3"), newDevice(7, "x", "t4"),
	} {
		b.put(d)
	}
	if _, err := b.dir.Remove(b.Context(), push.Device{User: 7}); err != nil {
		b.Fatal(err)
	}
	var all []push.Device
	for d, err := range b.dir.All(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, d)
	}
	want := slices.Concat(mustList(b, b.dir, bob), mustList(b, b.dir, alice)) // alice was written last
	if diff := cmp.Diff(want, all); diff != "" {
		b.Errorf("-want +got\n%s", diff)
	}
	for d, err := range b.dir.All(b.Context()) {
		if err != nil || d.User != bob {
			b.Errorf("the first of all is %v, %v", d, err)
		}
		break // the rest is not wanted
	}
	for _, d := range all { // into itself, as a copy
		b.put(d)
	}
	if diff := cmp.Diff(want, slices.Concat(mustList(b, b.dir, bob), mustList(b, b.dir, alice))); diff != "" {
		b.Errorf("after a copy of everything: -want +got\n%s", diff)
	}
	b.wantEvents([3]string{push.Uid(7).String(), "x", device.ReasonRemoved})
}

func mustList(b *bench, dir Directory, user push.Uid) []push.Device {
	b.Helper()
	devices, err := dir.List(b.Context(), user)
	if err != nil {
		b.Fatal(err)
	}
	return devices
}
