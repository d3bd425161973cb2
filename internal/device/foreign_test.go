package device_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	"github.com/pushworker/pushworker/pkg/push"
)

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	devicetest.Conform(t, func(testing.TB) devicetest.World {
		s := &awayStore{}
		w := devicetest.OfDirectory(device.New(s, device.Options{}))
		w.Down, w.Up = func(testing.TB) { s.away.Store(true) }, func(testing.TB) { s.away.Store(false) }
		return w
	})
}

// TestForeignConforms: a source in memory that names devices, with the shortest cache.
func TestForeignConforms(t *testing.T) {
	t.Parallel()
	devicetest.Conform(t, func(testing.TB) devicetest.World {
		s := newKept()
		w := devicetest.OfDirectory(s.Keeper)
		w.Directory = device.NewForeign(s, device.ForeignOptions{CacheTTL: time.Millisecond})
		w.Down, w.Up = func(testing.TB) { s.away.Store(true) }, func(testing.TB) { s.away.Store(false) }
		return w
	})
}

var errAway = errors.New("away")

// awayStore is a store that can be away.
type awayStore struct {
	device.Memory

	away atomic.Bool
}

func (s *awayStore) Read(ctx context.Context, keys []string) ([]device.Entry, error) {
	if s.away.Load() {
		return nil, errAway
	}
	return s.Memory.Read(ctx, keys)
}

// kept is a source over a chat server's own directory.
type kept struct {
	devicetest.Keeper

	away  atomic.Bool
	slow  chan struct{} // an answer waits for it; nil for none
	asked atomic.Int64
	extra []device.Found
}

func newKept() *kept { return &kept{Keeper: devicetest.NewKeeper()} }

func (s *kept) Find(ctx context.Context, users []push.Uid) (found []device.Found, err error) {
	s.asked.Add(1)
	if s.away.Load() {
		return nil, errAway
	}
	known, err := s.Devices(ctx, users, "")
	for _, list := range known {
		for _, d := range list {
			found = append(found, device.Found{Device: d})
		}
	}
	if s.slow != nil {
		<-s.slow
	}
	return append(found, s.extra...), err
}

func (s *kept) Drop(ctx context.Context, d push.Device, asOf time.Time, reason string) (bool, error) {
	if s.away.Load() {
		return false, errAway
	}
	return true, s.Gone(ctx, d, asOf, reason)
}

func phone(user push.Uid, token string) push.Device {
	return push.Device{User: user, ID: "phone", Provider: "fcm", Token: token}
}

func mustPut(t *testing.T, s *kept, d push.Device) {
	t.Helper()
	if _, err := s.Put(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// TestForeignSharesLookups: many who want to know one user at the same time are one
// question to the chat server, and who comes within the TTL is none.
func TestForeignSharesLookups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newKept()
		s.slow = make(chan struct{})
		mustPut(t, s, phone(1, "a"))
		f := device.NewForeign(s, device.ForeignOptions{CacheTTL: 10 * time.Second})
		var asking sync.WaitGroup
		for range 100 {
			asking.Go(func() {
				found, err := f.Devices(t.Context(), []push.Uid{1}, "fcm")
				if err != nil || len(found[1]) != 1 {
					t.Errorf("Devices = %v, %v", found, err)
				}
			})
		}
		synctest.Wait()
		close(s.slow)
		asking.Wait()
		ask := func() {
			if _, err := f.Devices(t.Context(), []push.Uid{1}, "fcm"); err != nil {
				t.Error(err)
			}
		}
		ask()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times, want 1", n)
		}
		time.Sleep(10 * time.Second)
		ask()
		if n := s.asked.Load(); n != 2 {
			t.Errorf("after the TTL: asked %d times, want 2", n)
		}
	})
}

// TestForeignForgetsWhatChanged: after the chat server has said that a user's devices
// have changed, nobody gets what was asked before, not even from an answer that is under
// way.
func TestForeignForgetsWhatChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newKept()
		s.slow = make(chan struct{})
		f := device.NewForeign(s, device.ForeignOptions{CacheTTL: time.Hour})
		var first sync.WaitGroup
		first.Go(func() { _, _ = f.Devices(t.Context(), []push.Uid{1}, "fcm") }) // finds nothing
		synctest.Wait()
		mustPut(t, s, phone(1, "a"))
		f.Changed(1)
		var second sync.WaitGroup
		second.Go(func() {
			found, err := f.Devices(t.Context(), []push.Uid{1}, "fcm")
			if err != nil || len(found[1]) != 1 {
				t.Errorf("after the change: Devices = %v, %v", found, err)
			}
		})
		synctest.Wait()
		close(s.slow)
		first.Wait()
		second.Wait()
		if found, err := f.Devices(t.Context(), []push.Uid{1}, "fcm"); err != nil || len(found[1]) != 1 {
			t.Errorf("from the cache: Devices = %v, %v", found, err)
		}
		if _, err := s.Remove(t.Context(), phone(1, "a")); err != nil {
			t.Fatal(err)
		}
		f.Changed(1)
		if found, err := f.Devices(t.Context(), []push.Uid{1}, "fcm"); err != nil || len(found) != 0 {
			t.Errorf("after a removal: Devices = %v, %v", found, err)
		}
	})
}

// TestForeignRefusesDevices: what is no device is refused, and the rest is sent to.
func TestForeignRefusesDevices(t *testing.T) {
	t.Parallel()
	s := newKept()
	mustPut(t, s, phone(1, "good"))
	s.extra = []device.Found{
		{Fault: errors.New("not JSON")},
		{Device: push.Device{User: 1, ID: "x", Provider: "fcm"}},
		{Device: push.Device{User: 1, ID: "tablet", Provider: "web push secret", Token: "secret"}},
	}
	var refused int
	var why error
	f := device.NewForeign(s, device.ForeignOptions{OnRefused: func(n int, err error) { refused, why = n, err }})
	found, err := f.Devices(t.Context(), []push.Uid{1}, "fcm")
	if err != nil || len(found[1]) != 1 || found[1][0].Token != "good" {
		t.Errorf("Devices = %v, %v", found, err)
	}
	if refused != 3 || why == nil || f.Refused() != 3 || strings.Contains(fmt.Sprint(why), "secret") {
		t.Errorf("refused %d (%d): %v", refused, f.Refused(), why)
	}
}

// TestForeignBelievesNoStrangers: an answer about somebody else is a fault of the chat
// server, and nothing of it is used.
func TestForeignBelievesNoStrangers(t *testing.T) {
	t.Parallel()
	s := newKept()
	mustPut(t, s, phone(1, "good"))
	s.extra = []device.Found{{Device: phone(2, "strange")}}
	f := device.NewForeign(s, device.ForeignOptions{CacheTTL: time.Hour})
	found, err := f.Devices(t.Context(), []push.Uid{1}, "fcm")
	if err == nil || found != nil || !strings.Contains(err.Error(), "not asked for: correct") {
		t.Errorf("Devices = %v, %v", found, err)
	}
	s.extra = nil
	if found, err := f.Devices(t.Context(), []push.Uid{1, 2}, "fcm"); err != nil || len(found) != 1 {
		t.Errorf("afterwards: Devices = %v, %v", found, err)
	}
}

// TestForeignNamesNoTokenTwice: two lines of one token would be two pushes.
func TestForeignNamesNoTokenTwice(t *testing.T) {
	t.Parallel()
	s := newKept()
	mustPut(t, s, phone(1, "token"))
	renamed := phone(1, "token")
	renamed.ID = "other"
	s.extra = []device.Found{{Device: phone(1, "token")}, {Device: renamed}}
	f := device.NewForeign(s, device.ForeignOptions{})
	if found, err := f.Devices(t.Context(), []push.Uid{1}, "fcm"); err != nil || len(found[1]) != 1 {
		t.Errorf("Devices = %v, %v", found, err)
	}
}

// TestForeignChangesNothing: the chat server does.
func TestForeignChangesNothing(t *testing.T) {
	t.Parallel()
	f := device.NewForeign(newKept(), device.ForeignOptions{})
	_, put := f.Put(t.Context(), phone(1, "a"))
	_, removed := f.Remove(t.Context(), phone(1, "a"))
	_, holder := f.Holder(t.Context(), phone(1, "a"))
	var all error
	for _, err := range f.All(t.Context()) {
		all = err
	}
	for _, err := range []error{put, removed, holder, all} {
		if !errors.Is(err, device.ErrForeign) {
			t.Errorf("%v, want ErrForeign", err)
		}
	}
}
