package device

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Remove removes the devices of like.User that have all of ID, Provider, Token,
// App and Kind that like has, and returns how many there were. If like has a User only, a list
// that is damaged is removed as well, and counts nothing.
func (d *Directory) Remove(ctx context.Context, like push.Device) (removed int, err error) {
	if err := validateUser(like.User); err != nil {
		return 0, &InvalidError{err}
	}
	fits := func(want, have string) bool { return want == "" || want == have }
	removed, err = d.drop(ctx, like.User, ReasonRemoved, func(have push.Device) bool {
		return fits(like.ID, have.ID) && fits(like.Provider, have.Provider) && fits(like.Token, have.Token) &&
			fits(like.More().App, have.More().App) && fits(like.More().Kind, have.More().Kind)
	})
	if _, unreadable := errors.AsType[*push.UnreadableError](err); unreadable && like.ID+like.Provider+like.Token+like.More().App+like.More().Kind == "" {
		err = d.discard(ctx, like.User)
	}
	if err != nil {
		return 0, fmt.Errorf("removing devices of user %s: %w", like.User, err)
	}
	return removed, nil
}

// discard removes a list that is damaged.
func (d *Directory) discard(ctx context.Context, user push.Uid) error {
	return attempt(ctx, func() error {
		read, err := d.store.Read(ctx, []string{userKey(user)})
		if err != nil {
			return err
		}
		if _, err := readList(user, read[0].Value); err == nil {
			return nil // somebody was faster
		}
		return d.write(ctx, user, read[0].Revision, nil, nil)
	})
}

// Gone implements [push.Directory].
func (d *Directory) Gone(ctx context.Context, dev push.Device, asOf time.Time, reason string) error {
	_, err := d.drop(ctx, dev.User, reason, func(have push.Device) bool {
		return sameToken(have, dev) && !have.Registered.After(asOf)
	})
	if err != nil {
		return fmt.Errorf("removing %s: %w", dev, err)
	}
	return nil
}

// drop removes the devices of user that leave.
func (d *Directory) drop(ctx context.Context, user push.Uid, reason string, leaves func(push.Device) bool) (dropped int, err error) {
	if user.IsZero() {
		return 0, nil
	}
	err = attempt(ctx, func() error {
		read, err := d.store.Read(ctx, []string{userKey(user)})
		if err != nil {
			return err
		}
		have, err := readList(user, read[0].Value)
		if err != nil {
			return err
		}
		next, gone := have.without(reason, leaves)
		if dropped = len(gone); dropped == 0 {
			return nil
		}
		return d.replace(ctx, user, read[0].Revision, next, gone)
	})
	return dropped, err
}
