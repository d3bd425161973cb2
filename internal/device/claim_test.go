package device_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	anna push.Uid = iota + 1
	ben
	cleo
	dora
)

func registers(user push.Uid, id, token string) change {
	return func(ctx context.Context, d *device.Directory) error {
		_, err := d.Put(ctx, push.Device{User: user, ID: id, Provider: "fcm", Token: token})
		return err
	}
}

func removes(user push.Uid, id string) change {
	return func(ctx context.Context, d *device.Directory) error {
		_, err := d.Remove(ctx, push.Device{User: user, ID: id})
		return err
	}
}

func reportsDead(user push.Uid, token string) change {
	return func(ctx context.Context, d *device.Directory) error {
		return d.Gone(ctx, push.Device{User: user, Provider: "fcm", Token: token}, time.Now(), "unregistered")
	}
}

// plays are changes that get in each other's way over token x.
func plays() map[string]play {
	return map[string]play{
		"two users claim a free token": {
			at:     []change{registers(anna, "a", "x"), registers(ben, "b", "x")},
			owners: []push.Uid{anna, ben},
		},
		"two users claim a token of a third": {
			before: []change{registers(cleo, "c", "x"), registers(cleo, "d", "y")},
			at:     []change{registers(anna, "a", "x"), registers(ben, "b", "x")},
			owners: []push.Uid{anna, ben},
		},
		"three users claim a free token": {
			at:     []change{registers(anna, "a", "x"), registers(ben, "b", "x"), registers(cleo, "c", "x")},
			owners: []push.Uid{anna, ben, cleo},
		},
		"one renews what the other claims": {
			before: []change{registers(anna, "a", "x")},
			at:     []change{registers(anna, "a", "x"), registers(ben, "b", "x")},
			owners: []push.Uid{anna, ben},
		},
		"one replaces what the other claims": {
			before: []change{registers(anna, "a", "x")},
			at:     []change{registers(anna, "a", "y"), registers(ben, "b", "x")},
		},
		"one removes what the other claims": {
			before: []change{registers(anna, "a", "x")},
			at:     []change{removes(anna, "a"), registers(ben, "b", "x")},
		},
		"one is told dead what the other claims": {
			before: []change{registers(anna, "a", "x")},
			at:     []change{reportsDead(anna, "x"), registers(ben, "b", "x")},
		},
		"one user registers it for two devices": {
			at:     []change{registers(anna, "a", "x"), registers(anna, "b", "x")},
			owners: []push.Uid{anna, anna},
		},
		"one user gives it up and takes it back": {
			before: []change{registers(anna, "a", "x")},
			at:     []change{registers(anna, "a", "y"), registers(anna, "b", "x")},
		},
		"one user removes it and takes it back": {
			before: []change{registers(anna, "a", "x")},
			at:     []change{removes(anna, "a"), registers(anna, "a", "x")},
		},
		"two users swap tokens": {
			before: []change{registers(anna, "a", "x"), registers(ben, "b", "y")},
			at:     []change{registers(anna, "a", "y"), registers(ben, "b", "x")},
		},
	}
}

// holdersOf lists who has token.
func holdersOf(t *testing.T, store *device.Memory, token string) (users []push.Uid) {
	t.Helper()
	for d, err := range device.New(store, device.Options{}).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Token == token {
			users = append(users, d.User)
		}
	}
	return users
}

// wantKept fails if token x was registered for a user, claimed by nobody since,
// and is not the user's.
func (p play) wantKept(t *testing.T, store *device.Memory, processes []*process) {
	t.Helper()
	key := device.TokenKey(push.Device{Provider: "fcm", Token: "x"})
	for i, owner := range p.owners {
		c := claimOf(t, store, key)
		if processes[i].result == nil && c.User == owner.String() && len(c.From) == 0 && !slices.Contains(holdersOf(t, store, "x"), owner) {
			t.Errorf("token x was registered for user %d and got lost", owner)
		}
	}
}

func TestTokenIsOneUsersAtEveryMoment(t *testing.T) {
	t.Parallel()
	for name, p := range plays() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := p.schedules(t, 4-len(p.at), false, func(store *device.Memory, processes []*process) {
				for i, proc := range processes {
					if !proc.done || proc.result != nil {
						t.Errorf("process %d: %v", i, proc.result)
					}
				}
				p.wantKept(t, store, processes)
				if n := len(holdersOf(t, store, "x")); n > 1 || n == 0 && len(p.before) == 0 {
					t.Errorf("token x is of %d users", n)
				}
			})
			t.Logf("%d schedules", runs)
		})
	}
}

func TestTokenSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	for name, p := range plays() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := p.schedules(t, 2*(3-len(p.at)), true, func(store *device.Memory, processes []*process) {
				for i, proc := range processes {
					if !proc.done || proc.result != nil && !proc.dead {
						t.Errorf("process %d: %v", i, proc.result)
					}
				}
				p.wantKept(t, store, processes)
				// Whoever comes next gets it, and gives it back when asked.
				for _, user := range []push.Uid{dora, anna} {
					if err := registers(user, "next", "x")(t.Context(), device.New(store, device.Options{})); err != nil {
						t.Fatal(err)
					}
					if got := holdersOf(t, store, "x"); len(got) != 1 || got[0] != user {
						t.Errorf("after user %d has registered token x it is of %v", user, got)
					}
					wantSound(t, store)
				}
			})
			t.Logf("%d schedules", runs)
		})
	}
}
