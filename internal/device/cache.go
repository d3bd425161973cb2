package device

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// DefaultCacheBytes is the default bound of the cache: some 150,000 users with one
	// device each.
	DefaultCacheBytes = 32 << 20
	// DefaultCacheTTL is how long the cache believes what it knows. Changes are told
	// to it much sooner, see [Directory.Learn]; this bounds what a lost one costs.
	DefaultCacheTTL = 30 * time.Second
	// watchedFactor is how many times longer it believes what it was told, or has read
	// twice, while changes are told without gaps. The first read after a change may
	// be answered by a replica that has not had it yet.
	watchedFactor = 20
)

// cache knows the lists of some users, empty ones too. Its methods are safe for
// concurrent use.
type cache struct {
	ttl    time.Duration
	mirror bool      // it knows everybody while it is watched
	began  time.Time // what its times count from

	mu      sync.Mutex
	watched bool // changes are told without gaps
	arena   arena
	packer  packer
	packed  []byte // of the list that is being put; kept for the next one
	reads   map[*read]struct{}

	hits, misses atomic.Int64 // users looked up that it knew, and that it did not
}

// read is a read of the store that is under way. What changes meanwhile is not
// taken from it.
type read struct {
	changed map[push.Uid]struct{}
	all     bool
}

// newCache returns a cache of room bytes, or a mirror.
func newCache(room int, ttl time.Duration, mirror bool) *cache {
	if mirror {
		room = 0 // as much as is needed
	}
	return &cache{ttl: ttl, mirror: mirror, began: time.Now(), arena: newArena(room), reads: make(map[*read]struct{})}
}

// lookup adds to found what it knows of the devices that provider reaches, and returns
// the users of whom it knows nothing.
func (c *cache) lookup(users []push.Uid, provider string, found map[push.Uid][]push.Device) (missing []push.Uid) {
	now := time.Since(c.began)
	var all []push.Device
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, u := range users {
		if u.IsZero() { // nobody has no key
			continue
		}
		r, ok := c.known(u, now)
		if !ok {
			if missing == nil {
				missing = make([]push.Uid, 0, len(users)-i)
			}
			missing = append(missing, u)
			continue
		}
		if all == nil {
			all = make([]push.Device, 0, len(users)-i) // one piece of memory for them all
		}
		from := len(all)
		var registered bool
		if all, registered = c.packer.unpack(all, r.payload(), u, provider); registered {
			found[u] = all[from:len(all):len(all)]
		}
	}
	c.hits.Add(int64(len(users) - len(missing)))
	c.misses.Add(int64(len(missing)))
	return missing
}

// known is the record of u, if it is believed. The caller holds mu.
func (c *cache) known(u push.Uid, now time.Duration) (record, bool) {
	r, ok := c.arena.get(u)
	switch {
	case !ok:
		return make(record, headLen+1), c.mirror && c.watched // which would know: no devices
	case !c.believes(r, now):
		return nil, false
	}
	r.asked()
	return r, true
}

// believes reports whether r is young enough. The caller holds mu.
func (c *cache) believes(r record, now time.Duration) bool {
	ttl := c.ttl
	if c.watched && r.sure() {
		ttl *= watchedFactor
	}
	return now-r.at() < ttl || c.mirror && c.watched && r.sure()
}

// watch says whether changes are told without gaps from now on.
func (c *cache) watch(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = on
}

// begin is called before a read of the store, and end after it.
func (c *cache) begin() *read {
	r := &read{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads[r] = struct{}{}
	return r
}

// end takes what was read for each of users. After an error that is nothing.
func (c *cache) end(r *read, users []push.Uid, answers []reading) {
	now := time.Since(c.began)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.reads, r)
	for i, a := range answers {
		if _, changed := r.changed[users[i]]; changed || r.all || a.err != nil {
			continue
		}
		before, ok := c.arena.get(users[i])
		c.put(users[i], a.list, a.revision, now, ok && before.revision() == a.revision)
	}
}

// learn takes a list that is known to be the newest. One that was changed
// elsewhere and is not asked for here is not worth keeping.
func (c *cache) learn(user push.Uid, l list, revision uint64, keep bool) {
	now := time.Since(c.began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed(user)
	if _, known := c.arena.get(user); keep || known || c.mirror {
		c.put(user, l, revision, now, true)
	}
}

// changed has no read under way be believed about user. The caller holds mu.
func (c *cache) changed(user push.Uid) {
	for r := range c.reads {
		if r.changed == nil {
			r.changed = make(map[push.Uid]struct{})
		}
		r.changed[user] = struct{}{}
	}
}

// drop forgets user, whose list has been changed to something that is none.
func (c *cache) drop(user push.Uid) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed(user)
	c.arena.remove(user)
	if c.mirror { // for which whom it does not know has no devices
		c.put(user, nil, 0, time.Since(c.began)-c.ttl, false)
	}
}

// knows reports whether the cache has an opinion on user that may be changed by
// learn.
func (c *cache) knows(user push.Uid) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.arena.get(user)
	return known || len(c.reads) > 0 || c.mirror
}

// forget empties the cache.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arena = newArena(c.arena.room)
	for r := range c.reads {
		r.all = true
	}
}

// put keeps a list unless a newer one is known. The caller holds mu.
func (c *cache) put(user push.Uid, l list, revision uint64, now time.Duration, sure bool) {
	if have, ok := c.arena.get(user); ok && have.revision() > revision && c.believes(have, now) {
		return
	}
	c.packed = c.packer.pack(c.packed[:0], l)
	if r, ok := c.arena.put(user, c.packed); ok {
		r.set(revision, now, sure)
	}
}
