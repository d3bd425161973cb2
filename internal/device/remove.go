package device

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Fits reports whether have has all of ID, Provider, Token, App, Kind and Env that like
// has.
func Fits(like, have push.Device) bool {
	fits := func(want, have string) bool { return want == "" || want == have }
	wanted, extra := like.More(), have.More()
	return fits(like.ID, have.ID) && fits(like.Provider, have.Provider) && fits(like.Token, have.Token) &&
		fits(wanted.App, extra.App) && fits(wanted.Kind, extra.Kind) && fits(wanted.Env, extra.Env)
}

// Matching reports of each device whether it fits like, see [Fits], when like's token may
// be in another spelling than the registered one: address is [Directory.Address]. A token
// that would be refused today still fits the device that has it.
func Matching(like push.Device, address func(push.Device) (push.Device, error)) func(have push.Device) bool {
	return func(have push.Device) bool {
		like := like
		if like.Token != "" && like.Token != have.Token {
			spelled := have
			spelled.Token = like.Token
			spelled, _ = address(spelled)
			like.Token = spelled.Token
		}
		return Fits(like, have)
	}
}

// Remove removes the devices of like.User that fit like, see [Matching], and returns how
// many there were. If every device would fit, a list that is damaged is removed as
// well, and counts nothing.
func (d *Directory) Remove(ctx context.Context, like push.Device) (removed int, err error) {
	if err := validateUser(like.User); err != nil {
		return 0, &InvalidError{err}
	}
	removed, err = d.drop(ctx, like.User, ReasonRemoved, Matching(like, d.Address))
	if _, unreadable := errors.AsType[*push.UnreadableError](err); unreadable && Fits(like, push.Device{}) {
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
		return sameToken(have, dev) && !have.Registered.After(asOf) && !recovered(dev, have, reason)
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
