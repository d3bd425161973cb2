package device

import (
	"context"
	"errors"

	"github.com/pushworker/pushworker/pkg/push"
)

// lookups answers from the cache, and reads what that does not know.
type lookups struct {
	cache  *cache
	loader loader
}

// Devices implements [push.Directory]. It asks the cache first. What it returns is
// at most as old as the cache's TTL, or as what Learn was told while the directory is
// watched, and as new as the last change made through the directory.
func (l *lookups) Devices(ctx context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error) {
	found := make(map[push.Uid][]push.Device, len(users))
	missing := l.cache.lookup(users, provider, found)
	if len(missing) == 0 {
		return found, nil
	}
	err := l.loader.load(ctx, missing, provider, found)
	return known(found, err), err
}

// Find implements [push.Finder]: it is Devices, and waits for nothing.
func (l *lookups) Find(ctx context.Context, users []push.Uid, provider string, then func(map[push.Uid][]push.Device, error)) {
	found := make(map[push.Uid][]push.Device, len(users))
	missing := l.cache.lookup(users, provider, found)
	if len(missing) == 0 {
		then(found, nil)
		return
	}
	l.loader.find(ctx, missing, provider, found, func(err error) { then(known(found, err), err) })
}

// known is what can be said of users' devices beside err: nothing, unless it is about some.
func known(found map[push.Uid][]push.Device, err error) map[push.Uid][]push.Device {
	if _, partly := errors.AsType[*push.UnreadableError](err); err != nil && !partly {
		return nil
	}
	return found
}

// CacheCounts is how many look-ups of a user the cache has answered, and how many
// had to be read.
func (l *lookups) CacheCounts() (hits, misses int64) {
	return l.cache.hits.Load(), l.cache.misses.Load()
}

// Forget empties the cache, for when changes may have been missed.
func (l *lookups) Forget() {
	l.loader.forget()
	l.cache.forget()
}
