package device_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// damages are values that a broker or a client has been seen to write over a list.
func damages() []string {
	return []string{`{"ok":true}`, `{"stream":"PUSH","seq":1}`, `null`, `{oops`, `"text"`, `7`}
}

// overwrite writes value over key, as somebody who may write to the bucket can.
func overwrite(t *testing.T, s device.Store, key, value string) {
	t.Helper()
	read, err := s.Read(t.Context(), []string{key})
	if err == nil {
		_, err = s.Write(t.Context(), key, []byte(value), read[0].Revision)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// valueOf is what is stored under key.
func valueOf(t *testing.T, s device.Store, key string) string {
	t.Helper()
	read, err := s.Read(t.Context(), []string{key})
	if err != nil {
		t.Fatal(err)
	}
	return string(read[0].Value)
}

func wantUnreadable(t *testing.T, what string, err error, users ...push.Uid) {
	t.Helper()
	damaged, ok := errors.AsType[*push.UnreadableError](err)
	if !ok || !slices.Equal(damaged.Users, users) {
		t.Errorf("%s: %v, want that %v cannot be read", what, err, users)
	}
}

// A list that cannot be read is not an empty one: nothing is lost by it.
func TestDamagedListLosesNothing(t *testing.T) {
	t.Parallel()
	for _, value := range damages() {
		store := &device.Memory{}
		told := 0
		d := device.New(store, device.Options{OnUnreadable: func(error) { told++ }})
		put(t, d, ben, "phone", "y")
		overwrite(t, store, "user."+anna.String(), value)

		found, err := d.Devices(t.Context(), []push.Uid{anna, ben}, "")
		wantUnreadable(t, "Devices", err, anna)
		if len(found) != 1 || len(found[ben]) != 1 || told != 1 {
			t.Errorf("%s: the others are %v, told %d times", value, found, told)
		}
		_, err = d.List(t.Context(), anna)
		wantUnreadable(t, "List", err, anna)
		_, err = d.Put(t.Context(), push.Device{User: anna, ID: "phone", Provider: "fcm", Token: "x"})
		wantUnreadable(t, "Put", err, anna)
		_, err = d.Remove(t.Context(), push.Device{User: anna, ID: "phone"})
		wantUnreadable(t, "Remove of one device", err, anna)
		if have := valueOf(t, store, "user."+anna.String()); have != value {
			t.Errorf("%s became %s", value, have)
		}
		if !strings.Contains(err.Error(), "device rm --user "+anna.UserId()+" --yes") {
			t.Errorf("%v does not say what to do", err)
		}
		if n, err := d.Remove(t.Context(), push.Device{User: anna}); n != 0 || err != nil {
			t.Errorf("Remove of everything: %d, %v", n, err)
		}
		put(t, d, anna, "phone", "x")
		if n := count(t, d, anna, ben); n != 2 {
			t.Errorf("%s: after the repair %d users have devices", value, n)
		}
	}
}

func TestDamagedListIsToldOfByAll(t *testing.T) {
	t.Parallel()
	store := &device.Memory{}
	d := device.New(store, device.Options{})
	put(t, d, ben, "phone", "y")
	overwrite(t, store, "user."+anna.String(), "{oops")
	var faults, devices int
	for _, err := range d.All(t.Context()) {
		if err != nil {
			faults++
		} else {
			devices++
		}
	}
	if faults != 1 || devices != 1 {
		t.Errorf("All yields %d faults and %d devices", faults, devices)
	}
}

// A token that is moved away from somebody whose list cannot be read may be in it.
// Neither does the list go, nor has the token two owners.
func TestTokenStaysWithAHolderWhoseListIsDamaged(t *testing.T) {
	t.Parallel()
	for _, value := range damages() {
		store := &device.Memory{}
		d := device.New(store, device.Options{})
		put(t, d, anna, "phone", "x")
		put(t, d, anna, "tablet", "z")
		overwrite(t, store, "user."+anna.String(), value)
		_, err := d.Put(t.Context(), push.Device{User: ben, ID: "phone", Provider: "fcm", Token: "x"})
		wantUnreadable(t, "Put", err, anna)
		if have := valueOf(t, store, "user."+anna.String()); have != value {
			t.Errorf("%s became %s", value, have)
		}
		if n := count(t, d, ben); n != 0 {
			t.Errorf("%s: two users may have the token", value)
		}
		if _, err := d.Remove(t.Context(), push.Device{User: anna}); err != nil {
			t.Fatal(err)
		}
		put(t, d, ben, "phone", "x")
	}
}

// The record of who has a token is as dear: without it the token would get a second
// owner.
func TestDamagedClaimLetsNobodyHaveTheToken(t *testing.T) {
	t.Parallel()
	for _, value := range append(damages(), `{}`, `[]`) {
		store := &device.Memory{}
		d := device.New(store, device.Options{})
		put(t, d, anna, "phone", "x")
		key := scan(t, store, "token.")[0].Key
		overwrite(t, store, key, value)
		_, err := d.Put(t.Context(), push.Device{User: ben, ID: "phone", Provider: "fcm", Token: "x"})
		wantUnreadable(t, "Put", err)
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name the key", err)
		}
		found, err := d.Devices(t.Context(), []push.Uid{anna, ben}, "")
		if want := []push.Uid{anna}; err != nil || !cmp.Equal(want, keysOf(found)) {
			t.Errorf("%s: the token is with %v, %v", value, keysOf(found), err)
		}
	}
}

func keysOf(found map[push.Uid][]push.Device) (users []push.Uid) {
	for u := range found {
		users = append(users, u)
	}
	slices.Sort(users)
	return users
}

// What the cache hears of damage, it forgets the list.
func TestCacheHearsOfDamage(t *testing.T) {
	t.Parallel()
	store := &device.Memory{}
	d := device.New(store, device.Options{})
	d.Watched(true)
	put(t, d, anna, "phone", "x")
	if n := count(t, d, anna); n != 1 {
		t.Fatalf("%d users have devices", n)
	}
	overwrite(t, store, "user."+anna.String(), `{"ok":true}`)
	e := scan(t, store, "user.")[0]
	d.Learn(e)
	_, err := d.Devices(t.Context(), []push.Uid{anna}, "")
	wantUnreadable(t, "Devices", err, anna)
}
