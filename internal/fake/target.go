package fake

import (
	"hash/maphash"
	"sync"
	"time"
)

// maxTargets bounds the targets that are counted one by one; later
// ones are only counted together.
const maxTargets = 2_000_000

const targetShards = 64

// targets counts per target. It is cut into shards, so that
// requests rarely wait for one another.
type targets struct {
	seed   maphash.Seed
	shards [targetShards]struct {
		sync.Mutex
		m map[string]*target
	}
}

type target struct {
	requests, accepted int64
	script             *script // the one that nth counts for
	nth                int64
	quota              Window
}

func newTargets() *targets {
	t := &targets{seed: maphash.MakeSeed()}
	t.reset()
	return t
}

func (t *targets) reset() {
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		s.m = make(map[string]*target)
		s.Unlock()
	}
}

// hit counts a request and returns its number since the script began; with a
// quota per minute, also how long the target has to be left alone, 0 for not.
func (t *targets) hit(name string, sc *script, now time.Time, perMinute int) (nth int64, wait time.Duration) {
	s := &t.shards[maphash.String(t.seed, name)%targetShards]
	s.Lock()
	defer s.Unlock()
	one := s.m[name]
	if one == nil {
		one = new(target)
		if len(s.m) < maxTargets/targetShards {
			s.m[name] = one
		}
	}
	if one.script != sc {
		one.script, one.nth = sc, 0
	}
	one.requests++
	one.nth++
	if perMinute > 0 {
		wait = one.quota.Take(now, perMinute)
	}
	return one.nth, wait
}

// accept counts a message that was taken.
func (t *targets) accept(name string) {
	s := &t.shards[maphash.String(t.seed, name)%targetShards]
	s.Lock()
	defer s.Unlock()
	if one := s.m[name]; one != nil {
		one.accepted++
	}
}

// TargetCount says what happened to one target.
type TargetCount struct {
	// Requests counts the pushes for it that were valid, Accepted those of them that were taken.
	Requests int64 `json:"requests"`
	Accepted int64 `json:"accepted"`
}

func (t *targets) counts() map[string]TargetCount {
	all := make(map[string]TargetCount)
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		for name, one := range s.m {
			all[name] = TargetCount{one.requests, one.accepted}
		}
		s.Unlock()
	}
	return all
}

func (t *targets) count(name string) TargetCount {
	s := &t.shards[maphash.String(t.seed, name)%targetShards]
	s.Lock()
	defer s.Unlock()
	if one := s.m[name]; one != nil {
		return TargetCount{one.requests, one.accepted}
	}
	return TargetCount{}
}
