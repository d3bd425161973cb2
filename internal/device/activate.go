package device

import (
	"context"
	"fmt"
	"slices"

	"github.com/pushworker/pushworker/pkg/push"
)

// Activate notes that the app of the user's device with that address, see [AddressKey],
// has got a test push. That there is no such device, any more, is no error.
func (d *Directory) Activate(ctx context.Context, user push.Uid, address string) error {
	err := attempt(ctx, func() error {
		read, err := d.store.Read(ctx, []string{userKey(user)})
		if err != nil {
			return err
		}
		have, err := readList(user, read[0].Value)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(have, func(dev push.Device) bool { return tokenKey(dev) == address })
		if i < 0 || have[i].More().Activated {
			return nil
		}
		next := slices.Clone(have)
		next[i] = activated(next[i])
		return d.write(ctx, user, read[0].Revision, next, nil)
	})
	if err != nil {
		return fmt.Errorf("activating a device of user %s: %w", user, err)
	}
	return nil
}

// activated is d as one whose app has got a test push.
func activated(d push.Device) push.Device {
	extra := d.More()
	extra.Activated = true
	d.Extra = &extra
	return d
}
