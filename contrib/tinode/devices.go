package tinode

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"regexp"
	"sync"
	"time"

	"github.com/tinode/chat/server/store"
	"github.com/tinode/chat/server/store/types"

	"github.com/pushworker/pushworker/pkg/push"
)

// provider reaches all devices that Tinode knows: its clients send tokens of Firebase
// Cloud Messaging.
const provider = "fcm"

// devices is Tinode's store of devices with two more sides: it is a [push.Directory],
// and it notices what Tinode writes.
type devices struct {
	store.DevicePersistenceInterface // the store itself

	// changed is called after a user's devices have changed; appeared says that one of
	// them is new.
	changed func(user types.Uid, appeared bool)
	seed    maphash.Seed
	told    owners
	// locks keep Gone from removing a token that a login of this process registers at
	// the same time. A login at another node of a cluster can come between.
	locks [64]sync.Mutex
}

var (
	_ push.Directory                   = (*devices)(nil)
	_ store.DevicePersistenceInterface = (*devices)(nil)
)

func newDevices(own store.DevicePersistenceInterface, changed func(user types.Uid, appeared bool)) *devices {
	return &devices{DevicePersistenceInterface: own, changed: changed, seed: maphash.MakeSeed()}
}

// Update implements [store.DevicePersistenceInterface].
func (d *devices) Update(user types.Uid, old string, def *types.DeviceDef) error {
	if def == nil {
		err := d.DevicePersistenceInterface.Update(user, old, nil)
		d.changed(user, false)
		return err //nolint:wrapcheck // Tinode compares its store's errors
	}
	lock := d.lock(def.DeviceId)
	lock.Lock()
	defer lock.Unlock()
	known, _, err := d.GetAll(user)
	appeared := err != nil || !has(known[user], def.DeviceId)
	err = d.DevicePersistenceInterface.Update(user, old, def)
	d.changed(user, appeared && err == nil)
	if before := d.told.of(maphash.String(d.seed, def.DeviceId)); before != user && !before.IsZero() {
		d.changed(before, false) // who had the device until now
	}
	return err //nolint:wrapcheck // as above
}

// Delete implements [store.DevicePersistenceInterface].
func (d *devices) Delete(user types.Uid, token string) error {
	err := d.DevicePersistenceInterface.Delete(user, token)
	d.changed(user, false)
	return err //nolint:wrapcheck // as above
}

// Devices implements [push.Directory]. Tinode's store takes no context.
func (d *devices) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	ids := make([]types.Uid, len(users))
	for i, user := range users {
		ids[i] = types.Uid(user)
	}
	stored, _, err := d.GetAll(ids...)
	if err != nil {
		return nil, fmt.Errorf("read the devices of %d users: %w", len(users), err)
	}
	found := make(map[push.Uid][]push.Device, len(stored))
	for user, defs := range stored {
		for i := range defs {
			if defs[i].DeviceId != "" {
				d.told.note(maphash.String(d.seed, defs[i].DeviceId), user)
				found[push.Uid(user)] = append(found[push.Uid(user)], deviceOf(user, &defs[i]))
			}
		}
	}
	return found, nil
}

// Gone implements [push.Directory].
func (d *devices) Gone(_ context.Context, gone push.Device, asOf time.Time, _ string) error {
	user := types.Uid(gone.User)
	lock := d.lock(gone.Token)
	lock.Lock()
	defer lock.Unlock()
	stored, _, err := d.GetAll(user)
	if err != nil {
		return fmt.Errorf("read the devices of %s: %w", user.UserId(), err)
	}
	for _, def := range stored[user] {
		if def.DeviceId != gone.Token || def.LastSeen.After(asOf) {
			continue // registered again since the provider's answer
		}
		if err := d.Delete(user, gone.Token); err != nil && !errors.Is(err, types.ErrNotFound) {
			return fmt.Errorf("remove a device of %s: %w", user.UserId(), err)
		}
	}
	return nil
}

func (d *devices) lock(token string) *sync.Mutex {
	return &d.locks[maphash.String(d.seed, token)%uint64(len(d.locks))]
}

func has(defs []types.DeviceDef, token string) bool {
	for i := range defs {
		if defs[i].DeviceId == token {
			return true
		}
	}
	return false
}

// knownPlatform is what a platform may be called. Tinode takes from its clients
// whatever they say.
var knownPlatform = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// deviceOf is def as workers know devices. Tinode has no id but the token.
func deviceOf(user types.Uid, def *types.DeviceDef) push.Device {
	made := push.Device{
		User: push.Uid(user), ID: def.DeviceId, Provider: provider,
		Token: def.DeviceId, Registered: def.LastSeen,
	}
	if knownPlatform.MatchString(def.Platform) {
		made.Platform = def.Platform
	}
	return made
}
