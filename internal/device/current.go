package device

import (
	"context"
	"fmt"

	"github.com/pushworker/pushworker/pkg/push"
)

// Current is a user's devices as the store has them.
type Current struct {
	Devices []push.Device
	// Revision is that of the list; see [Entry].
	Revision uint64
	// Err says that the list cannot be read; it is an [*push.UnreadableError].
	Err error
}

// Current returns the devices of users as the store has them now, in their order.
func (d *Directory) Current(ctx context.Context, users []push.Uid) ([]Current, error) {
	return current(d.load(ctx, users))
}

// Current returns the devices of users as the chat server has them now, in their order,
// without a revision.
func (f *Foreign) Current(ctx context.Context, users []push.Uid) ([]Current, error) {
	return current(f.load(ctx, users))
}

func current(read []reading, err error) ([]Current, error) {
	if err != nil {
		return nil, err
	}
	all := make([]Current, len(read))
	for i, r := range read {
		all[i] = Current{Devices: r.list, Revision: r.revision, Err: r.err}
	}
	return all, nil
}

// Holders returns whose the tokens of devices are, in their order; 0 for nobody's, and
// where that cannot be read.
func (d *Directory) Holders(ctx context.Context, devices []push.Device) ([]push.Uid, error) {
	keys := tokenKeys(devices)
	read, err := d.store.Read(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("reading whose %d tokens are: %w", len(devices), err)
	}
	holders := make([]push.Uid, len(devices))
	for i, e := range read {
		held, _ := readClaim(keys[i], e.Value) // one that is damaged is told when it is registered
		holders[i] = push.Uid(held.User)
	}
	return holders, nil
}
