package tinode

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tinode/chat/server/store/types"

	"github.com/pushworker/pushworker/pkg/push"
)

// shelf is a store of devices in memory.
type shelf struct {
	devices map[types.Uid][]types.DeviceDef
	err     error
}

func (s *shelf) Update(user types.Uid, old string, def *types.DeviceDef) error {
	for owner, defs := range s.devices {
		for i := range defs {
			if defs[i].DeviceId == old || def != nil && defs[i].DeviceId == def.DeviceId {
				s.devices[owner] = append(defs[:i:i], defs[i+1:]...)
				break
			}
		}
	}
	if def != nil {
		s.devices[user] = append(s.devices[user], *def)
	}
	return s.err
}

func (s *shelf) GetAll(users ...types.Uid) (map[types.Uid][]types.DeviceDef, int, error) {
	found, n := map[types.Uid][]types.DeviceDef{}, 0
	for _, user := range users {
		if defs := s.devices[user]; len(defs) > 0 {
			found[user] = defs
			n += len(defs)
		}
	}
	return found, n, s.err
}

func (s *shelf) Delete(user types.Uid, token string) error {
	for i, def := range s.devices[user] {
		if def.DeviceId == token {
			s.devices[user] = append(s.devices[user][:i:i], s.devices[user][i+1:]...)
			return s.err
		}
	}
	return types.ErrNotFound
}

// watched is a store whose changes are written down.
func watched() (*shelf, *devices, *[]string) {
	own, log := &shelf{devices: map[types.Uid][]types.DeviceDef{}}, new([]string)
	return own, newDevices(own, func(user types.Uid, appeared bool) {
		*log = append(*log, fmt.Sprint(uint64(user), appeared))
	}), log
}

func TestChangesAreNoticed(t *testing.T) {
	t.Parallel()
	_, d, log := watched()
	at := time.Date(2026, 11, 24, 9, 30, 15, 0, time.UTC)
	def := func(token string) *types.DeviceDef {
		return &types.DeviceDef{DeviceId: token, Platform: "android", LastSeen: at}
	}
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"login", func() error { return d.Update(1, "", def("a")) }, "[1 true]"},
		{"the same device again", func() error { return d.Update(1, "", def("a")) }, "[1 false]"},
		{"a new token", func() error { return d.Update(1, "a", def("b")) }, "[1 true]"},
		{"workers ask", func() error { _, err := d.Devices(t.Context(), []push.Uid{1}, ""); return err }, "[]"},
		{"takeover", func() error { return d.Update(2, "", def("b")) }, "[2 true 1 false]"},
		{"logout", func() error { return d.Delete(2, "b") }, "[2 false]"},
		{"logout without a token", func() error { return d.Update(2, "b", nil) }, "[2 false]"},
	} {
		*log = nil
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if got := fmt.Sprint(*log); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
}

func TestDevicesOfTinode(t *testing.T) {
	t.Parallel()
	own, d, _ := watched()
	at := time.Date(2026, 11, 24, 9, 30, 15, 0, time.UTC)
	own.devices[1] = []types.DeviceDef{{DeviceId: "a", Platform: "ios", LastSeen: at, Lang: "de"}, {DeviceId: "b", Platform: "Windows Phone"}, {}}
	found, err := d.Devices(t.Context(), []push.Uid{1, 2}, "fcm")
	if err != nil || len(found) != 1 || len(found[1]) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	want := push.Device{User: 1, ID: "a", Provider: "fcm", Platform: "ios", Token: "a", Registered: at}
	if found[1][0] != want || found[1][1].Platform != "" {
		t.Errorf("found %v", found[1])
	}
	own.err = errors.New("no connection")
	if _, err := d.Devices(t.Context(), []push.Uid{1}, ""); err == nil {
		t.Error("a database that is down has no devices")
	}
}

func TestDeadTokens(t *testing.T) {
	t.Parallel()
	own, d, _ := watched()
	at := time.Date(2026, 11, 24, 9, 30, 15, 0, time.UTC)
	own.devices[1] = []types.DeviceDef{{DeviceId: "a", LastSeen: at}}
	for _, step := range []struct {
		name  string
		token string
		asOf  time.Time
		left  int
	}{
		{"of nobody", "z", at.Add(time.Hour), 1},
		{"registered since", "a", at.Add(-time.Second), 1},
		{"dead", "a", at, 0},
		{"again", "a", at, 0},
	} {
		if err := d.Gone(t.Context(), push.Device{User: 1, Token: step.token}, step.asOf, "unregistered"); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if left := len(own.devices[1]); left != step.left {
			t.Errorf("%s: %d devices, want %d", step.name, left, step.left)
		}
	}
	own.err = errors.New("no connection")
	if err := d.Gone(t.Context(), push.Device{User: 1, Token: "a"}, at, ""); err == nil {
		t.Error("a database that is down has removed a token")
	}
}
