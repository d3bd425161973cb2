package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Source is whoever keeps the devices of a [Foreign] directory: the chat server, or a
// table of its database. Its methods are safe for concurrent use.
type Source interface {
	// Find returns the devices of users, in any order. An error means that nothing is
	// known of any of them, and says what to do.
	Find(ctx context.Context, users []push.Uid) ([]Found, error)
	// Drop has d removed unless it was registered after asOf. Untold says that it was
	// removed and that the chat server does not know.
	Drop(ctx context.Context, d push.Device, asOf time.Time, reason string) (untold bool, err error)
}

// Found is one device of an answer, or why there is none in its place. A Fault quotes
// neither token nor keys.
type Found struct {
	push.Device
	Fault error
}

// ErrForeign says that devices can be neither registered nor removed here.
var ErrForeign = errors.New("the chat server keeps the devices (PUSHWORKER_DIRECTORY): register and remove them there")

// errUnasked is a fault of the chat server by which a push could reach the wrong person.
var errUnasked = errors.New("the answer has devices of users who were not asked for: correct the chat server's answer, which must have devices of the users in the request only; until then nothing is sent")

// ForeignOptions adjust a [Foreign].
type ForeignOptions struct {
	// Mask stands for tokens.
	Mask Mask
	// CacheBytes bounds the cache, approximately; 0 means [DefaultCacheBytes].
	CacheBytes int
	// CacheTTL is how long an answer is believed; 0 is not at all.
	CacheTTL time.Duration
	// Address is that of [Options].
	Address func(push.Device) (push.Device, error)
	// OnGone is told of a device that left without the chat server's knowledge. It must
	// not block. May be nil.
	OnGone func(Event)
	// OnRefused is told how many devices of an answer were refused, and why the first
	// was. May be nil.
	OnRefused func(n int, why error)
}

// Foreign is a [push.Directory] whose devices somebody else keeps. It believes an
// answer for seconds, checks it like any input, and writes nothing.
type Foreign struct {
	lookups

	source    Source
	mask      Mask
	address   func(push.Device) (push.Device, error)
	onGone    func(Event)
	onRefused func(int, error)
	refused   atomic.Int64
}

var _ push.Finder = (*Foreign)(nil)

// NewForeign returns the directory whose devices s keeps.
func NewForeign(s Source, o ForeignOptions) *Foreign {
	f := &Foreign{source: s, mask: o.Mask, address: o.Address, onGone: o.OnGone, onRefused: o.OnRefused}
	f.cache = newCache(cmp.Or(o.CacheBytes, DefaultCacheBytes), o.CacheTTL, false)
	f.loader = loader{read: f.load, share: true}
	if f.onGone == nil {
		f.onGone = func(Event) {}
	}
	if f.onRefused == nil {
		f.onRefused = func(int, error) {}
	}
	return f
}

// load asks for users, and puts what is known now into the cache.
func (f *Foreign) load(ctx context.Context, users []push.Uid) (answers []reading, err error) {
	begun := f.cache.begin()
	defer func() { f.cache.end(begun, users, answers) }()
	found, err := f.source.Find(ctx, users)
	if err != nil {
		return nil, fmt.Errorf("asking for the devices of %d users: %w", len(users), err)
	}
	return f.check(users, found)
}

// check sorts an answer by users. A device that is none is refused, and what else the
// answer has is used: its other devices are well.
func (f *Foreign) check(users []push.Uid, found []Found) ([]reading, error) {
	place := make(map[push.Uid]int, len(users))
	for i, u := range users {
		place[u] = i
	}
	answers := make([]reading, len(users))
	refused, why := 0, error(nil)
	for _, one := range found {
		d, err := f.admit(one)
		if err != nil {
			refused++
			why = cmp.Or(why, err)
			continue
		}
		i, asked := place[d.User]
		if !asked {
			return nil, errUnasked
		}
		answers[i].list, _, _ = answers[i].list.with(d) // which names no device or token twice
	}
	if refused > 0 {
		f.refused.Add(int64(refused))
		f.onRefused(refused, why)
	}
	return answers, nil
}

// admit returns a device of an answer in its provider's canonical form.
func (f *Foreign) admit(one Found) (push.Device, error) {
	if one.Fault != nil {
		return push.Device{}, one.Fault
	}
	d, err := canonical(f.address, one.Device)
	if err != nil {
		return d, fmt.Errorf("a device of %s: %w", one.User.UserId(), err)
	}
	if d.More() == (push.Extra{}) {
		d.Extra = nil
	}
	return d, nil
}

// Gone implements [push.Directory].
func (f *Foreign) Gone(ctx context.Context, d push.Device, asOf time.Time, reason string) error {
	if d.User.IsZero() {
		return nil
	}
	untold, err := f.source.Drop(ctx, d, asOf, reason)
	if err != nil {
		return fmt.Errorf("removing %s: %w", d, err)
	}
	f.Changed(d.User)
	if untold {
		f.onGone(newEvent(f.mask, d, reason))
	}
	return nil
}

// Changed says that devices of users were registered or removed: they are asked for
// again.
func (f *Foreign) Changed(users ...push.Uid) {
	if len(users) == 0 {
		return
	}
	f.loader.forget(users...)
	for _, u := range users {
		f.cache.drop(u)
	}
}

// Refused is how many devices of answers were refused so far.
func (f *Foreign) Refused() int64 { return f.refused.Load() }

// List returns the devices of user as the chat server has them now. The error is an
// [*InvalidError] if user is zero.
func (f *Foreign) List(ctx context.Context, user push.Uid) ([]push.Device, error) {
	if err := validateUser(user); err != nil {
		return nil, &InvalidError{err}
	}
	answers, err := f.load(ctx, []push.Uid{user})
	if err != nil {
		return nil, err
	}
	return answers[0].list, nil
}

// Put registers nothing; the error is [ErrForeign].
func (f *Foreign) Put(context.Context, push.Device) (bool, error) { return false, ErrForeign }

// Remove removes nothing; the error is [ErrForeign].
func (f *Foreign) Remove(context.Context, push.Device) (int, error) { return 0, ErrForeign }

// Holder knows nobody; the error is [ErrForeign].
func (f *Foreign) Holder(context.Context, push.Device) (push.Uid, error) { return 0, ErrForeign }

// All yields no device but [ErrForeign].
func (f *Foreign) All(context.Context) iter.Seq2[push.Device, error] {
	return func(yield func(push.Device, error) bool) { yield(push.Device{}, ErrForeign) }
}

// Address is [Directory.Address].
func (f *Foreign) Address(dev push.Device) (push.Device, error) { return canonical(f.address, dev) }

// Hash stands for a token where people may see it: 8 hexadecimal digits.
func (f *Foreign) Hash(token string) string { return f.mask.Hash(token) }

// Hasher is [Mask.Hasher].
func (f *Foreign) Hasher() func(token string) string { return f.mask.Hasher() }
