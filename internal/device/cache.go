package device

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// DefaultCacheBytes is the default bound of the cache: some 60,000 users with one
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

// Approximate costs in bytes of what the cache keeps, beside the text.
const (
	costPerUser   = 192 // entry, list element, share of the map
	costPerDevice = 160
	costPerExtra  = 80
)

// cache knows the lists of some users, empty ones too. Its methods are safe for
// concurrent use.
type cache struct {
	ttl  time.Duration
	room int

	mu      sync.Mutex
	watched bool // changes are told without gaps
	used    int
	users   *simplelru.LRU[push.Uid, *cached]
	reads   map[*read]struct{}

	hits, misses atomic.Int64 // users looked up that it knew, and that it did not
}

type cached struct {
	list     list
	revision uint64
	at       time.Time // when it was the newest
	sure     bool      // it was told, or is what another read said before
	cost     int
}

// read is a read of the store that is under way. What changes meanwhile is not
// taken from it.
type read struct {
	changed map[push.Uid]struct{}
	all     bool
}

// newCache returns a cache of room bytes.
func newCache(room int, ttl time.Duration) *cache {
	c := &cache{room: room, ttl: ttl, reads: make(map[*read]struct{})}
	const unbounded = 1<<31 - 1 // it is room that bounds
	c.users, _ = simplelru.NewLRU(unbounded, func(_ push.Uid, v *cached) { c.used -= v.cost })
	return c
}

// lookup adds to found what it knows of the devices that provider reaches, and returns
// the users of whom it knows nothing.
func (c *cache) lookup(users []push.Uid, provider string, found map[push.Uid][]push.Device) (missing []push.Uid) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, u := range users {
		if u.IsZero() { // nobody has no key
			continue
		}
		v, ok := c.users.Get(u)
		switch {
		case !ok || !c.believes(v, now):
			if missing == nil {
				missing = make([]push.Uid, 0, len(users)-i)
			}
			missing = append(missing, u)
		case len(v.list) > 0:
			found[u] = v.list.of(provider)
		}
	}
	c.hits.Add(int64(len(users) - len(missing)))
	c.misses.Add(int64(len(missing)))
	return missing
}

// believes reports whether v is young enough. The caller holds mu.
func (c *cache) believes(v *cached, now time.Time) bool {
	ttl := c.ttl
	if c.watched && v.sure {
		ttl *= watchedFactor
	}
	return now.Sub(v.at) < ttl
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
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.reads, r)
	for i, a := range answers {
		if _, changed := r.changed[users[i]]; changed || r.all || a.err != nil {
			continue
		}
		before, ok := c.users.Peek(users[i])
		sure := ok && before.revision == a.revision
		c.put(users[i], &cached{list: a.list, revision: a.revision, at: now, sure: sure})
	}
}

// learn takes a list that is known to be the newest. One that was changed
// elsewhere and is not asked for here is not worth keeping.
func (c *cache) learn(user push.Uid, l list, revision uint64, keep bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed(user)
	if keep || c.users.Contains(user) {
		c.put(user, &cached{list: l, revision: revision, at: now, sure: true})
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
	c.users.Remove(user)
}

// knows reports whether the cache has an opinion on user that may be changed by
// learn.
func (c *cache) knows(user push.Uid) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.users.Contains(user) || len(c.reads) > 0
}

// forget empties the cache.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users.Purge()
	for r := range c.reads {
		r.all = true
	}
}

// costOfExtra is nothing for most devices.
func costOfExtra(d push.Device) int {
	if d.Extra == nil {
		return 0
	}
	e := d.More()
	return costPerExtra + len(e.App) + len(e.Kind) + len(e.Env) + len(e.Keys.P256DH) + len(e.Keys.Auth)
}

// put keeps a list unless a newer one is known. The caller holds mu.
func (c *cache) put(user push.Uid, v *cached) {
	if have, ok := c.users.Peek(user); ok {
		if have.revision > v.revision && c.believes(have, v.at) {
			return
		}
		c.used -= have.cost
	}
	v.cost = costPerUser
	for _, d := range v.list {
		v.cost += costPerDevice + len(d.ID) + len(d.Provider) + len(d.Platform) + len(d.Token) + len(d.Lang) + costOfExtra(d)
	}
	c.users.Add(user, v)
	c.used += v.cost
	for c.used > c.room && c.users.Len() > 0 {
		c.users.RemoveOldest()
	}
}
