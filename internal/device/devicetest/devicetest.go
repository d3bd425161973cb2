// Package devicetest is the suite that every directory of devices has to pass,
// whatever it keeps them in. It refuses to know how a directory is made. What is
// lost at its border: it can't make a process die, see the tests of package device
// for that.
package devicetest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// Directory is what the suite asks of a directory, in the words of
// [device.Directory].
type Directory interface {
	push.Directory
	Put(ctx context.Context, d push.Device) (bool, error)
	Remove(ctx context.Context, like push.Device) (int, error)
	List(ctx context.Context, user push.Uid) ([]push.Device, error)
	All(ctx context.Context) iter.Seq2[push.Device, error]
}

// Open opens a directory as one more process would. Every device that leaves is
// told to onGone, by whichever directory of the store.
type Open func(tb testing.TB, onGone func(device.Event)) Directory

// deadline is how long a test waits for what must happen.
const deadline = time.Minute

// Run runs the suite. Empty makes a new store without devices, and returns how to
// open directories over it.
func Run(t *testing.T, empty func(tb testing.TB) Open) {
	t.Helper()
	for name, check := range checks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{TB: t, open: empty(t)}
			b.dir = b.open(t, b.gone.add)
			check(b)
		})
	}
}

// checks are the checks by name.
func checks() map[string]func(*bench) {
	return map[string]func(*bench){
		"keeps what is registered":                 keepsWhatIsRegistered,
		"knows many users at once":                 knowsManyUsers,
		"knows nothing of nobody":                  knowsNothingOfNobody,
		"refuses what is no device":                refusesInvalid,
		"replaces the token of a device":           replacesToken,
		"gives a token to one device":              oneDevicePerToken,
		"moves a token to another user":            movesToken,
		"tells providers apart":                    tellsProvidersApart,
		"displaces the oldest of too many":         displacesOldest,
		"lets no copy replace what is newer":       copiesReplaceNothingNewer,
		"takes no time from the future":            futureIsNow,
		"removes a dead token":                     removesDead,
		"keeps a token newer than the verdict":     keepsNewerThanVerdict,
		"ignores verdicts on what is gone":         ignoresUnknownVerdict,
		"removes what is asked for":                removesSelected,
		"lists all for a copy":                     copiesAll,
		"is seen by other processes":               seenElsewhere,
		"takes registrations of a user at once":    concurrentRegistrations,
		"gives a token fought over to one user":    concurrentMoves,
		"reads while it is written":                concurrentReads,
		"forgets nothing of a user when one moves": moveLeavesOthers,
	}
}

// bench is what a check works with.
type bench struct {
	testing.TB
	open Open
	dir  Directory
	gone events
}

// Who devices in the checks are of.
const (
	alice push.Uid = 0x0123456789abcdef
	bob   push.Uid = 0xfedcba9876543210
)

// device is a device of user with this id and token.
func newDevice(user push.Uid, id, token string) push.Device {
	return push.Device{User: user, ID: id, Provider: "fcm", Platform: "android", Token: token, Lang: "en"}
}

// put registers d and wants it stored.
func (b *bench) put(d push.Device) {
	b.Helper()
	stored, err := b.dir.Put(b.Context(), d)
	if err != nil || !stored {
		b.Fatalf("Put(%v) = %t, %v", d, stored, err)
	}
}

// want fails unless user has just these, oldest first; the times do not matter.
// Both ways of asking are tried.
func (b *bench) want(user push.Uid, want ...push.Device) {
	b.Helper()
	wantDevices(b, b.dir, user, want...)
}

func wantDevices(tb testing.TB, dir Directory, user push.Uid, want ...push.Device) {
	tb.Helper()
	listed, err := dir.List(tb.Context(), user)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(timeless(want), timeless(listed)); diff != "" {
		tb.Errorf("List of user %s: -want +got\n%s", user, diff)
	}
	asked, err := dir.Devices(tb.Context(), []push.Uid{user}, "")
	if err != nil {
		tb.Fatal(err)
	}
	if _, has := asked[user]; has != (len(want) > 0) || len(asked) > 1 {
		tb.Errorf("Devices has entries for %d users, one for user %s: %t", len(asked), user, has)
	}
	if diff := cmp.Diff(timeless(want), timeless(asked[user])); diff != "" {
		tb.Errorf("Devices of user %s: -want +got\n%s", user, diff)
	}
}

// timeless is devices without their times, never nil.
func timeless(devices []push.Device) []push.Device {
	out := make([]push.Device, len(devices))
	for i, d := range devices {
		d.Registered = time.Time{}
		out[i] = d
	}
	return out
}

// registered is when alice's device with this id was registered.
func (b *bench) registered(id string) time.Time {
	b.Helper()
	devices, err := b.dir.List(b.Context(), alice)
	i := slices.IndexFunc(devices, func(d push.Device) bool { return d.ID == id })
	if err != nil || i < 0 {
		b.Fatalf("no device %s of alice: %v", id, err)
	}
	return devices[i].Registered
}

// wantEvents fails unless these have been told: user, id and reason of each.
// Events may take their time.
func (b *bench) wantEvents(want ...[3]string) {
	b.Helper()
	eventually(b, fmt.Sprint(len(want), " events"), func() bool { return len(b.gone.all()) >= len(want) })
	var got [][3]string
	for _, e := range b.gone.all() {
		got = append(got, [3]string{e.User, e.ID, e.Reason})
		if e.TokenHash == "" || e.At.IsZero() || e.Provider == "" || e.Platform == "" {
			b.Errorf("event lacks something: %+v", e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("events: -want +got\n%s", diff)
	}
}
