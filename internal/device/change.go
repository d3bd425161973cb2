package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Put registers dev: for its user, and for nobody else any more; with its id, and
// any other token of that id no more. It reports false if it left things as they
// are, which only happens when dev.Registered says that what is there is newer.
// That is for copies: a new registration leaves Registered zero, which means now.
// The error is an [*InvalidError] if dev is at fault.
func (d *Directory) Put(ctx context.Context, dev push.Device) (stored bool, err error) {
	dev, err = d.Address(dev)
	if err != nil {
		return false, err
	}
	if dev.More() == (push.Extra{}) {
		dev.Extra = nil
	}
	now := time.Now().UTC().Round(0)
	isCopy := !dev.Registered.IsZero()
	if !isCopy || dev.Registered.After(now) {
		dev.Registered = now
	}
	err = attempt(ctx, func() error {
		stored, err = d.put(ctx, dev, isCopy)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("registering %s: %w", dev, err)
	}
	return stored, nil
}

// Address is dev as it is registered: in the canonical form of its provider. The error is
// an [*InvalidError] with every fault of dev.
func (d *Directory) Address(dev push.Device) (push.Device, error) { return canonical(d.address, dev) }

// canonical is dev in the form that address, which may be nil, makes of it, and valid.
func canonical(address func(push.Device) (push.Device, error), dev push.Device) (push.Device, error) {
	if address == nil {
		return dev, Validate(dev)
	}
	made, err := address(dev)
	if err != nil {
		return made, &InvalidError{errors.Join(err, Validate(dev))}
	}
	return made, Validate(made)
}

func (d *Directory) put(ctx context.Context, dev push.Device, isCopy bool) (bool, error) {
	key := tokenKey(dev)
	read, err := d.store.Read(ctx, []string{userKey(dev.User), key})
	if err != nil {
		return false, err
	}
	have, err := readList(dev.User, read[0].Value)
	if err != nil {
		return false, err
	}
	if !isCopy && len(have) > 0 { // the clocks of others may be ahead
		dev.Registered = slices.MaxFunc([]time.Time{dev.Registered, have[len(have)-1].Registered}, time.Time.Compare)
	}
	next, gone, in, err := d.admit(have, dev)
	if !in {
		return false, err
	}
	held, err := readClaim(key, read[1].Value)
	if err != nil {
		return false, err
	}
	if _, has := have.find(dev); has && push.Uid(held.User) == dev.User {
		return true, d.replace(ctx, dev.User, read[0].Revision, next, gone)
	}
	wanted := held.by(dev.User)
	if isCopy {
		if newer, err := d.anyNewer(ctx, wanted.holders(), dev); newer || err != nil {
			return false, err
		}
	}
	return true, d.move(ctx, dev, read, wanted, func() error {
		return d.replace(ctx, dev.User, read[0].Revision, next, gone)
	})
}

// admit returns have after dev has been registered, and what leaves for that. Only if
// dev does not get in there may be an error, which says why.
func (d *Directory) admit(have list, dev push.Device) (next list, gone []removal, in bool, err error) {
	next, gone, in = have.with(dev)
	if !in || len(next) <= MaxPerUser {
		return next, gone, in, nil
	}
	if !d.displace {
		return nil, nil, false, errFull
	}
	next, displaced := next.fit()
	_, in = next.find(dev) // a copy of an old registration may be the oldest itself
	return next, append(gone, displaced...), in, nil
}

// move claims dev's token, takes it from those who have it, and adds it.
func (d *Directory) move(ctx context.Context, dev push.Device, read []Entry, wanted claim, add func() error) error {
	key := tokenKey(dev)
	value, err := wanted.value()
	if err != nil {
		return err
	}
	revision, err := d.store.Write(ctx, key, value, read[1].Revision)
	if err != nil {
		return err
	}
	for _, holder := range wanted.holders() {
		if err := d.take(ctx, dev, holder, key, revision); err != nil {
			return err
		}
	}
	if err := add(); err != nil || len(wanted.From) == 0 {
		return err
	}
	if value, err = (claim{User: wanted.User}).value(); err != nil {
		return err
	}
	if _, err = d.store.Write(ctx, key, value, revision); errors.Is(err, ErrConflict) {
		return nil // somebody has claimed it from us since
	}
	return err
}

// take takes dev's token out of holder's list, and writes that in any case, while
// the claim is ours.
func (d *Directory) take(ctx context.Context, dev push.Device, holder push.Uid, key string, revision uint64) error {
	var read []Entry
	for n := 0; n == 0 || read[1].Revision < revision; n++ { // a read may lag behind our own write
		if n == maxAttempts {
			return ErrConflict
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
		var err error
		if read, err = d.store.Read(ctx, []string{userKey(holder), key}); err != nil {
			return err
		}
	}
	if read[1].Revision != revision {
		return ErrConflict
	}
	have, err := readList(holder, read[0].Value)
	if err != nil { // whether the token is in it nobody can tell
		return err
	}
	next, gone := have.without(ReasonMoved, func(have push.Device) bool { return sameToken(have, dev) })
	return d.write(ctx, holder, read[0].Revision, next, gone)
}

// Holder returns whose dev's token is, 0 if it is nobody's.
func (d *Directory) Holder(ctx context.Context, dev push.Device) (push.Uid, error) {
	key := tokenKey(dev)
	read, err := d.store.Read(ctx, []string{key})
	if err != nil {
		return 0, fmt.Errorf("reading whose a token is: %w", err)
	}
	held, err := readClaim(key, read[0].Value)
	return push.Uid(held.User), err
}

// anyNewer reports whether one of users has registered dev's token after dev.
func (d *Directory) anyNewer(ctx context.Context, users []push.Uid, dev push.Device) (bool, error) {
	if len(users) == 0 {
		return false, nil
	}
	read, err := d.store.Read(ctx, userKeys(users))
	if err != nil {
		return false, err
	}
	for i, e := range read {
		list, err := readList(users[i], e.Value)
		if err != nil {
			return false, err
		}
		if have, ok := list.find(dev); ok && have.Registered.After(dev.Registered) {
			return true, nil
		}
	}
	return false, nil
}

// replace writes user's list and releases the claims to the tokens that leave it.
func (d *Directory) replace(ctx context.Context, user push.Uid, revision uint64, next list, gone []removal) error {
	leaving := make([]push.Device, 0, len(gone))
	for _, g := range gone {
		if _, stays := next.find(g.Device); !stays {
			leaving = append(leaving, g.Device)
		}
	}
	if len(leaving) == 0 {
		return d.write(ctx, user, revision, next, gone)
	}
	keys := tokenKeys(leaving)
	claims, err := d.store.Read(ctx, keys)
	if err != nil {
		return err
	}
	if err := d.write(ctx, user, revision, next, gone); err != nil {
		return err
	}
	for i, c := range claims {
		if held, err := readClaim(keys[i], c.Value); err == nil && push.Uid(held.User) == user {
			// A claim that stays behind is understood by whoever claims next.
			_, _ = d.store.Write(ctx, keys[i], nil, c.Revision)
		}
	}
	return nil
}

// write writes user's list, and tells of what has left it.
func (d *Directory) write(ctx context.Context, user push.Uid, revision uint64, next list, gone []removal) error {
	value, err := next.value()
	if err != nil {
		return err
	}
	if revision, err = d.store.Write(ctx, userKey(user), value, revision); err != nil {
		return err
	}
	d.cache.learn(user, next, revision, true)
	for _, g := range gone {
		if g.reason != "" {
			d.onGone(newEvent(d.mask, g.Device, g.reason))
		}
	}
	return nil
}
