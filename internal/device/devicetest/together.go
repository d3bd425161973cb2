package devicetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

func seenElsewhere(b *bench) {
	other := b.open(b, func(device.Event) {})
	b.want(alice)
	wantDevices(b, other, alice) // it knows now that there are none
	phone := newDevice(alice, "phone", "token")
	steps := []struct {
		what string
		do   func() error
		has  int
	}{
		{"a registration", func() error { _, err := b.dir.Put(b.Context(), phone); return err }, 1},
		{"a removal", func() error { _, err := b.dir.Remove(b.Context(), phone); return err }, 0},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			b.Fatal(err)
		}
		eventually(b, step.what+" seen by the other process", func() bool {
			got, err := other.Devices(b.Context(), []push.Uid{alice}, "")
			if err != nil {
				b.Fatal(err)
			}
			return len(got[alice]) == step.has
		})
	}
}

func concurrentRegistrations(b *bench) {
	dirs := []Directory{b.dir, b.open(b, b.gone.add)}
	var wg sync.WaitGroup
	for i := range device.MaxPerUser {
		wg.Go(func() {
			d := newDevice(alice, strconv.Itoa(i), fmt.Sprint("token-", i))
			if stored, err := dirs[i%2].Put(b.Context(), d); err != nil || !stored {
				b.Errorf("Put(%v) = %t, %v", d, stored, err)
			}
		})
	}
	wg.Wait()
	if got := mustList(b, b.dir, alice); len(got) != device.MaxPerUser {
		b.Errorf("%d devices, want all %d", len(got), device.MaxPerUser)
	}
	b.wantEvents()
}

// concurrentMoves has users of two processes register few tokens over and over.
func concurrentMoves(b *bench) {
	dirs := []Directory{b.dir, b.open(b, b.gone.add)}
	var wg sync.WaitGroup
	for i := range fighters {
		wg.Go(func() { fight(b, dirs[i%2], i) })
	}
	wg.Wait()
	for _, token := range prizes() {
		if n := len(holders(b, token)); n > 1 {
			b.Errorf("%s is of %d users", token, n)
		}
		b.put(newDevice(99, token, token))
		if got := holders(b, token); len(got) != 0 {
			b.Errorf("after user 99 has registered %s it is of %v", token, got)
		}
	}
	if got := mustList(b, b.dir, 99); len(got) != len(prizes()) {
		b.Errorf("user 99 has %v", got)
	}
}

// fighters is how many users fight over the prizes.
const fighters = 4

func prizes() []string { return []string{"token-0", "token-1"} }

// fighter is the i-th of them.
func fighter(i int) push.Uid { return push.Uid(i + 1) } //nolint:gosec // small

func fight(b *bench, dir Directory, i int) {
	for r := range 8 {
		d := newDevice(fighter(i), "phone", prizes()[(r+i)%len(prizes())])
		if _, err := dir.Put(b.Context(), d); err != nil && !errors.Is(err, device.ErrBusy) {
			b.Errorf("Put(%v): %v", d, err)
		}
	}
}

// holders lists the fighters who have the token.
func holders(b *bench, token string) (have []push.Uid) {
	for i := range fighters {
		devices := mustList(b, b.dir, fighter(i))
		if slices.ContainsFunc(devices, func(d push.Device) bool { return d.Token == token }) {
			have = append(have, fighter(i))
		}
	}
	return have
}

// concurrentReads asks while devices come and go: what stays must always be seen.
func concurrentReads(b *bench) {
	stays := newDevice(alice, "stays", "stays")
	b.put(stays)
	other := b.open(b, func(device.Event) {})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for !stop.Load() {
				found, err := other.Devices(b.Context(), []push.Uid{alice, bob, fighter(100 + i)}, "")
				if err != nil || len(found[alice]) == 0 {
					b.Errorf("Devices = %v, %v", found, err)
					return
				}
			}
		})
	}
	comes := newDevice(alice, "comes", "comes")
	for i := range 50 {
		comes.User = []push.Uid{alice, bob}[i%2]
		b.put(comes)
	}
	stop.Store(true)
	wg.Wait()
	eventually(b, "the last word known to both", func() bool {
		found, err := other.Devices(b.Context(), []push.Uid{alice, bob}, "")
		return err == nil && len(found[alice]) == 1 && len(found[bob]) == 1
	})
}
