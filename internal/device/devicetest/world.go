package devicetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// World is a directory with whoever keeps its devices: pushworker itself, the chat
// server, or its database.
type World struct {
	// Directory is the worker's.
	Directory push.Directory
	// Login registers a device as the chat server does: a token has one owner. Logout
	// removes it, and Leave removes a user.
	Login  func(ctx context.Context, d push.Device) error
	Logout func(ctx context.Context, d push.Device) error
	Leave  func(ctx context.Context, user push.Uid) error
	// Down has the directory not answer, and Up has it answer again, with all its
	// devices.
	Down, Up func(tb testing.TB)
}

// Conform runs what holds for every directory, whoever keeps the devices. What others
// change may be seen late. empty makes a world without devices.
func Conform(t *testing.T, empty func(tb testing.TB) World) {
	t.Helper()
	for name, check := range map[string]func(*world){
		"login":                       login,
		"refresh":                     refresh,
		"second device":               secondDevice,
		"logout":                      logout,
		"takeover by another user":    takeover,
		"dead token":                  deadToken,
		"dead token registered again": deadTokenAgain,
		"new user and deleted user":   newAndDeleted,
		"providers":                   providers,
		"many users":                  manyUsers,
		"away and back":               awayAndBack,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(&world{TB: t, World: empty(t)})
		})
	}
}

// world is what a check of Conform works with.
type world struct {
	testing.TB
	World
}

func (w *world) login(devices ...push.Device) {
	w.Helper()
	for _, d := range devices {
		if err := w.Login(w.Context(), d); err != nil {
			w.Fatalf("login of %v: %v", d, err)
		}
	}
}

// sees waits until the directory knows just these tokens of user.
func (w *world) sees(what string, user push.Uid, tokens ...string) {
	w.Helper()
	eventually(w, what, func() bool { return sameTokens(w.ask(user, ""), tokens) })
}

func sameTokens(have []push.Device, tokens []string) bool {
	want := make(map[string]bool)
	for _, t := range tokens {
		want[t] = true
	}
	for _, d := range have {
		if !want[d.Token] {
			return false
		}
		delete(want, d.Token)
	}
	return len(want) == 0
}

// ask returns the devices of user that provider reaches, and wants an answer.
func (w *world) ask(user push.Uid, provider string) []push.Device {
	w.Helper()
	found, err := w.Directory.Devices(w.Context(), []push.Uid{user}, provider)
	if err != nil {
		w.Fatalf("Devices: %v", err)
	}
	if devices, has := found[user]; has && len(devices) == 0 && provider == "" {
		w.Errorf("user %s has an entry without devices", user)
	}
	return found[user]
}

func login(w *world) {
	w.sees("nobody", alice)
	phone := newDevice(alice, "phone", "token-1")
	phone.Extra = &push.Extra{App: "de.example", Env: "sandbox"}
	w.login(phone)
	w.sees("the phone", alice, "token-1")
	got := w.ask(alice, "fcm")
	if len(got) != 1 || got[0].ID != "phone" || got[0].Provider != "fcm" || got[0].Platform != "android" || got[0].Lang != "en" ||
		got[0].User != alice || got[0].More() != *phone.Extra || got[0].Registered.IsZero() {
		w.Errorf("got %+v", got)
	}
	w.sees("nobody else", bob)
}

func refresh(w *world) {
	w.login(newDevice(alice, "phone", "old"))
	w.sees("the first token", alice, "old")
	w.login(newDevice(alice, "phone", "new"))
	w.sees("the new token", alice, "new")
}

func secondDevice(w *world) {
	w.login(newDevice(alice, "phone", "one"))
	w.sees("the phone", alice, "one")
	w.login(newDevice(alice, "tablet", "two"))
	w.sees("both", alice, "one", "two")
}

func logout(w *world) {
	phone := newDevice(alice, "phone", "one")
	w.login(phone, newDevice(alice, "tablet", "two"))
	w.sees("both", alice, "one", "two")
	if err := w.Logout(w.Context(), phone); err != nil {
		w.Fatal(err)
	}
	w.sees("the tablet only", alice, "two")
}

func takeover(w *world) {
	w.login(newDevice(alice, "phone", "shared"))
	w.sees("alice's phone", alice, "shared")
	w.sees("nothing of bob", bob)
	w.login(newDevice(bob, "phone", "shared"))
	w.sees("nothing of alice any more", alice)
	w.sees("bob's phone", bob, "shared")
}

func deadToken(w *world) {
	w.login(newDevice(alice, "phone", "dead"), newDevice(alice, "tablet", "alive"))
	w.sees("both", alice, "dead", "alive")
	phone := w.device(alice, "dead")
	for range 2 { // what is gone already is no error
		if err := w.Directory.Gone(w.Context(), phone, time.Now(), "unregistered"); err != nil {
			w.Fatal(err)
		}
		if got := w.ask(alice, ""); !sameTokens(got, []string{"alive"}) {
			w.Errorf("after Gone alice has %v", got)
		}
	}
}

func deadTokenAgain(w *world) {
	w.login(newDevice(alice, "phone", "token"))
	w.sees("the phone", alice, "token")
	phone := w.device(alice, "token")
	if err := w.Directory.Gone(w.Context(), phone, phone.Registered.Add(-time.Second), "unregistered"); err != nil {
		w.Fatal(err)
	}
	w.sees("a registration newer than the verdict", alice, "token")
	bobs := phone
	bobs.User = bob
	if err := w.Directory.Gone(w.Context(), bobs, time.Now(), "unregistered"); err != nil {
		w.Fatal(err)
	}
	w.sees("what is not bob's", alice, "token")
}

func newAndDeleted(w *world) {
	const carol push.Uid = 0x7777
	w.sees("no carol", carol)
	w.login(newDevice(carol, "phone", "hers"), newDevice(alice, "phone", "other"))
	w.sees("carol", carol, "hers")
	if err := w.Leave(w.Context(), carol); err != nil {
		w.Fatal(err)
	}
	w.sees("no carol any more", carol)
	w.sees("alice", alice, "other")
}

func providers(w *world) {
	apple := newDevice(alice, "phone", "aabbcc")
	apple.Provider, apple.Platform = "apns", "ios"
	w.login(newDevice(alice, "tablet", "google"), apple, newDevice(bob, "phone", "bobs"))
	w.sees("both", alice, "google", "aabbcc")
	w.sees("bob's", bob, "bobs")
	if got := w.ask(alice, "apns"); !sameTokens(got, []string{"aabbcc"}) {
		w.Errorf("apns reaches %v of alice", got)
	}
	found, err := w.Directory.Devices(w.Context(), []push.Uid{bob}, "apns")
	if devices, has := found[bob]; err != nil || !has || len(devices) != 0 {
		w.Errorf("apns reaches %v of bob (entry: %t), %v; want an empty entry", devices, has, err)
	}
}

func manyUsers(w *world) {
	const last = 1 << 40
	users := make([]push.Uid, 2500)
	for i := range users {
		users[i] = push.Uid(last - i)
	}
	w.login(newDevice(users[0], "phone", "first"), newDevice(users[1700], "phone", "middle"), newDevice(users[2499], "phone", "last"))
	for _, u := range []push.Uid{users[0], users[1700], users[2499]} {
		eventually(w, "what was registered", func() bool { return len(w.ask(u, "")) == 1 })
	}
	found, err := w.Directory.Devices(w.Context(), users, "")
	if err != nil || len(found) != 3 {
		w.Errorf("%d users have devices, %v; want 3", len(found), err)
	}
}

// awayAndBack: who is not known while the directory is away may have devices, and a
// directory that says otherwise loses receipts.
func awayAndBack(w *world) {
	w.login(newDevice(alice, "phone", "token"))
	w.Down(w)
	ctx, stop := context.WithTimeout(w.Context(), deadline)
	found, err := w.Directory.Devices(ctx, []push.Uid{bob, 99}, "")
	stop()
	if _, partly := errors.AsType[*push.UnreadableError](err); err == nil || partly {
		w.Errorf("while it is away: Devices = %v, %v; want an error that says nothing is known", found, err)
	}
	if err := w.Directory.Gone(w.Context(), newDevice(alice, "phone", "token"), time.Now(), "unregistered"); err == nil {
		w.Error("while it is away: Gone = nil")
	}
	w.Up(w)
	eventually(w, "an answer", func() bool {
		found, err := w.Directory.Devices(w.Context(), []push.Uid{alice, bob}, "")
		return err == nil && len(found) == 1 && sameTokens(found[alice], []string{"token"})
	})
}

// device is the device of user with this token.
func (w *world) device(user push.Uid, token string) push.Device {
	w.Helper()
	for _, d := range w.ask(user, "") {
		if d.Token == token {
			return d
		}
	}
	w.Fatalf("user %s has no device with token %s", user, token)
	return push.Device{}
}

// OfDirectory is the part of a World that a [device.Directory] does itself.
func OfDirectory(d Directory) World {
	return World{
		Directory: d,
		Login:     func(ctx context.Context, dev push.Device) error { _, err := d.Put(ctx, dev); return err },
		Logout: func(ctx context.Context, dev push.Device) error {
			_, err := d.Remove(ctx, push.Device{User: dev.User, ID: dev.ID})
			return err
		},
		Leave: func(ctx context.Context, user push.Uid) error {
			_, err := d.Remove(ctx, push.Device{User: user})
			return err
		},
	}
}

// Keeper keeps devices as a chat server does, for sources that have none of their own
// in a test.
type Keeper struct{ *device.Directory }

// NewKeeper returns one without devices.
func NewKeeper() Keeper { return Keeper{device.New(&device.Memory{}, device.Options{})} }
