package devicetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

func keepsWhatIsRegistered(b *bench) {
	b.want(alice)
	phone := newDevice(alice, "phone", "token-1:APA91b_/+=~ü")
	before := time.Now()
	b.put(phone)
	after := time.Now()
	b.want(alice, phone)
	b.want(bob)
	if at := b.registered("phone"); at.Before(before.Truncate(time.Millisecond)) || at.After(after) {
		b.Errorf("registered at %s, want between %s and %s", at, before, after)
	}
	tablet := newDevice(alice, "tablet", `{"endpoint":"https://push.example/1","keys":{}}`)
	tablet.Provider, tablet.Platform, tablet.Lang = "webpush", "", ""
	b.put(tablet)
	b.want(alice, phone, tablet)
	first := b.registered("phone")
	b.put(phone)
	if again := b.registered("phone"); !again.After(first) {
		b.Errorf("registered again at %s, not after %s", again, first)
	}
	b.want(alice, tablet, phone)
	b.wantEvents()
}

func knowsManyUsers(b *bench) {
	users := make([]push.Uid, 1500)
	want := map[push.Uid][]push.Device{}
	for i := range users {
		users[i] = push.Uid(i + 1)
		if i%10 == 0 {
			d := newDevice(users[i], "phone", fmt.Sprint("token-", i))
			b.put(d)
			want[users[i]] = []push.Device{d}
		}
	}
	fresh := b.open(b, func(device.Event) {})
	twice := append(users, users[:10]...)
	wantAll(b, fresh, twice, want) // from the store
	wantAll(b, fresh, twice, want) // from the cache
}

func knowsNothingOfNobody(b *bench) {
	wantAll(b, b.dir, nil, map[push.Uid][]push.Device{})
	wantAll(b, b.dir, []push.Uid{0}, map[push.Uid][]push.Device{})
	if devices, err := b.dir.List(b.Context(), 0); err == nil {
		b.Errorf("List of nobody: %v, no error", devices)
	}
}

// wantAll fails unless users have just these devices.
func wantAll(b *bench, dir Directory, users []push.Uid, want map[push.Uid][]push.Device) {
	b.Helper()
	got, err := dir.Devices(b.Context(), users, "")
	if err != nil {
		b.Fatal(err)
	}
	for user, devices := range got {
		got[user] = timeless(devices)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Fatalf("-want +got\n%s", diff)
	}
}

func refusesInvalid(b *bench) {
	for fault, change := range map[string]func(*push.Device){
		"user is missing":                   func(d *push.Device) { d.User = 0 },
		"id is missing":                     func(d *push.Device) { d.ID = "" },
		"id is of 4097 bytes":               func(d *push.Device) { d.ID = strings.Repeat("x", 4097) },
		"id holds":                          func(d *push.Device) { d.ID = "a\nb" },
		"provider is missing":               func(d *push.Device) { d.Provider = "" },
		"provider is not a name":            func(d *push.Device) { d.Provider = "FCM" },
		"platform is not a name":            func(d *push.Device) { d.Platform = "Be OS" },
		"token is missing":                  func(d *push.Device) { d.Token = "" },
		"token is of 4097 bytes":            func(d *push.Device) { d.Token = strings.Repeat("x", 4097) },
		"token holds characters that do no": func(d *push.Device) { d.Token = "secret\xff" },
		"lang is not":                       func(d *push.Device) { d.Lang = "deutsch, bitte" },
	} {
		d := newDevice(alice, "phone", "secret")
		change(&d)
		stored, err := b.dir.Put(b.Context(), d)
		if _, ok := errors.AsType[*device.InvalidError](err); !ok || stored || !strings.Contains(err.Error(), fault) {
			b.Errorf("%s: Put = %t, %v", fault, stored, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			b.Errorf("the error shows the token: %v", err)
		}
	}
	b.want(alice)
}

func replacesToken(b *bench) {
	b.put(newDevice(alice, "phone", "old"))
	now := newDevice(alice, "phone", "new")
	b.put(now)
	b.want(alice, now)
	b.wantEvents() // the device is still there
	bobs := newDevice(bob, "phone", "old")
	b.put(bobs)
	b.want(alice, now)
	b.want(bob, bobs)
	b.wantEvents()
}

func oneDevicePerToken(b *bench) {
	b.put(newDevice(alice, "before", "token"))
	after := newDevice(alice, "after", "token")
	b.put(after)
	b.want(alice, after)
	b.wantEvents([3]string{alice.String(), "before", device.ReasonMoved})
}

func movesToken(b *bench) {
	for i, user := range []push.Uid{alice, bob, alice, bob} {
		d := newDevice(user, fmt.Sprint("phone-", i), "token")
		b.put(d)
		b.want(user, d)
		b.want(alice + bob - user)
	}
	b.wantEvents(
		[3]string{alice.String(), "phone-0", device.ReasonMoved},
		[3]string{bob.String(), "phone-1", device.ReasonMoved},
		[3]string{alice.String(), "phone-2", device.ReasonMoved},
	)
}

func moveLeavesOthers(b *bench) {
	first, moving, last := newDevice(alice, "1", "t1"), newDevice(alice, "2", "t2"), newDevice(alice, "3", "t3")
	own := newDevice(bob, "own", "t4")
	for _, d := range []push.Device{first, moving, last, own} {
		b.put(d)
	}
	moving.User = bob
	b.put(moving)
	b.want(alice, first, last)
	b.want(bob, own, moving)
}

func tellsProvidersApart(b *bench) {
	fcm, apns := newDevice(alice, "phone", "token"), newDevice(alice, "phone", "token")
	apns.Provider, apns.Platform = "apns", "ios"
	b.put(fcm)
	b.put(apns)
	b.want(alice, fcm, apns)
	bobs := apns
	bobs.User = bob
	b.put(bobs)
	b.want(alice, fcm)
	b.want(bob, bobs)
}

func displacesOldest(b *bench) {
	for i := range device.MaxPerUser {
		b.put(newDevice(alice, strconv.Itoa(i), fmt.Sprint("token-", i)))
	}
	b.put(newDevice(alice, "0", "token-0")) // now 1 is the oldest
	b.wantEvents()
	b.put(newDevice(alice, "new", "token-new"))
	b.wantEvents([3]string{alice.String(), "1", device.ReasonDisplaced})
	devices, err := b.dir.List(b.Context(), alice)
	if err != nil || len(devices) != device.MaxPerUser || devices[0].ID != "2" || devices[device.MaxPerUser-1].ID != "new" {
		b.Errorf("List = %v, %v", devices, err)
	}
	bobs := newDevice(bob, "phone", "token-1")
	b.put(bobs) // nobody's by now
	b.want(bob, bobs)
	b.wantEvents([3]string{alice.String(), "1", device.ReasonDisplaced})
}

func copiesReplaceNothingNewer(b *bench) {
	phone := newDevice(alice, "phone", "token")
	b.put(phone)
	at := b.registered("phone")
	old := at.Add(-time.Hour)
	for name, d := range map[string]push.Device{
		"another token":            newDevice(alice, "phone", "older"),
		"the token of another":     newDevice(bob, "phone", "token"),
		"the token under other id": newDevice(alice, "older", "token"),
	} {
		d.Registered = old
		if stored, err := b.dir.Put(b.Context(), d); stored || err != nil {
			b.Errorf("%s: Put = %t, %v; want false", name, stored, err)
		}
	}
	b.want(alice, phone)
	b.want(bob)
	tablet := newDevice(alice, "tablet", "free")
	tablet.Registered = old
	b.put(tablet)
	b.want(alice, tablet, phone)
	if got := b.registered("tablet"); !got.Equal(old) {
		b.Errorf("a copy is registered at %s, want %s", got, old)
	}
	again := phone
	again.Registered = at // a copy of just this
	b.put(again)
	b.want(alice, tablet, phone)
	b.wantEvents()
}

func futureIsNow(b *bench) {
	d := newDevice(alice, "phone", "token")
	d.Registered = time.Now().Add(24 * time.Hour)
	b.put(d)
	if at := b.registered("phone"); at.After(time.Now()) {
		b.Errorf("registered at %s, in the future", at)
	}
}
