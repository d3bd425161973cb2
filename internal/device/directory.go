package device

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Options adjust a [Directory]. The zero value is fine.
type Options struct {
	// Mask stands for tokens in events.
	Mask Mask
	// CacheBytes bounds the cache, approximately; 0 means [DefaultCacheBytes].
	CacheBytes int
	// CacheTTL is how long the cache is believed; 0 means [DefaultCacheTTL]. While the
	// directory is watched it is 20 times as long.
	CacheTTL time.Duration
	// Mirror has the cache keep everybody of whom Learn is told, without a bound. What is
	// kept is believed as long as the directory is watched.
	Mirror bool
	// Displace has the oldest registration of a user make room for one too many, which
	// is refused otherwise.
	Displace bool
	// Address checks a device's address and returns the device in its provider's canonical
	// form; see [push.Registry.Address]. May be nil.
	Address func(push.Device) (push.Device, error)
	// OnGone is told of every device that leaves. It must not block. May be nil.
	OnGone func(Event)
	// OnUnreadable is told of a user whose list cannot be read, because something
	// else wrote to it, each time that Devices reads it. May be nil.
	OnUnreadable func(error)
}

// Directory is a [push.Directory] over a [Store].
type Directory struct {
	lookups

	store        Store
	mask         Mask
	displace     bool
	address      func(push.Device) (push.Device, error)
	onGone       func(Event)
	onUnreadable func(error)
}

var _ push.Finder = (*Directory)(nil)

// New returns the directory whose keys are in s.
func New(s Store, o Options) *Directory {
	d := &Directory{
		store: s, mask: o.Mask, displace: o.Displace, address: o.Address, onGone: o.OnGone, onUnreadable: o.OnUnreadable,
	}
	d.cache = newCache(cmp.Or(o.CacheBytes, DefaultCacheBytes), cmp.Or(o.CacheTTL, DefaultCacheTTL), o.Mirror)
	d.loader.read = d.load
	if d.onGone == nil {
		d.onGone = func(Event) {}
	}
	if d.onUnreadable == nil {
		d.onUnreadable = func(error) {}
	}
	return d
}

// reading is what the store has for a user: a list, or why it cannot be read.
type reading struct {
	list     list
	revision uint64
	err      error
}

// load reads the lists of users into the cache.
func (d *Directory) load(ctx context.Context, users []push.Uid) (answers []reading, err error) {
	begun := d.cache.begin()
	defer func() { d.cache.end(begun, users, answers) }()
	entries, err := d.store.Read(ctx, userKeys(users))
	if err != nil {
		return nil, fmt.Errorf("reading the devices of %d users: %w", len(users), err)
	}
	answers = make([]reading, len(users))
	for i, e := range entries {
		l, err := readList(users[i], e.Value)
		if err != nil {
			d.onUnreadable(err)
		}
		answers[i] = reading{l, e.Revision, err}
	}
	return answers, nil
}

// List returns the devices of user as the store has them now. The error is an
// [*InvalidError] if user is zero.
func (d *Directory) List(ctx context.Context, user push.Uid) ([]push.Device, error) {
	if err := validateUser(user); err != nil {
		return nil, &InvalidError{err}
	}
	entries, err := d.store.Read(ctx, []string{userKey(user)})
	if err != nil {
		return nil, fmt.Errorf("reading the devices of user %s: %w", user, err)
	}
	return readList(user, entries[0].Value)
}

// All yields every device, user by user. A user whose list cannot be read is an
// error, and the others follow; after an error of the store nothing does. Devices
// that are registered meanwhile may or may not be among them, and a user who
// changes meanwhile may come twice, the later time right.
func (d *Directory) All(ctx context.Context) iter.Seq2[push.Device, error] {
	return func(yield func(push.Device, error) bool) {
		for e, err := range d.store.Scan(ctx, UserPrefix) {
			if err == nil && !yieldList(e, yield) || err != nil && !yield(push.Device{}, err) {
				return
			}
		}
	}
}

// In returns the devices that are under a user's key.
func In(e Keyed) ([]push.Device, error) { return readList(UserOf(e.Key), e.Value) }

// yieldList yields the devices of a list, and reports whether more are wanted.
func yieldList(e Keyed, yield func(push.Device, error) bool) bool {
	l, err := In(e)
	if err != nil {
		return yield(push.Device{}, err)
	}
	for _, dev := range l {
		if !yield(dev, nil) {
			return false
		}
	}
	return true
}

// Learn tells the cache what has been written under a key, by whomever.
func (d *Directory) Learn(e Keyed) {
	user := UserOf(e.Key)
	if user == 0 || !d.cache.knows(user) {
		return
	}
	l, err := readList(user, e.Value)
	if err != nil {
		d.cache.drop(user)
		return
	}
	d.cache.learn(user, l, e.Revision, false)
}

// Watched says whether Learn is told of every change from now on. Call Forget first.
func (d *Directory) Watched(on bool) { d.cache.watch(on) }

// Hash stands for a token where people may see it: 8 hexadecimal digits.
func (d *Directory) Hash(token string) string { return d.mask.Hash(token) }

// Hasher is [Mask.Hasher].
func (d *Directory) Hasher() func(token string) string { return d.mask.Hasher() }
