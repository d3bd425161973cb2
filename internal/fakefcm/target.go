package fakefcm

import (
	"hash/maphash"
	"sync"
	"time"
)

// maxTargets bounds the tokens and topics that are counted one by one; later
// ones are only counted together.
const maxTargets = 2_000_000

const targetShards = 64

// targets counts per token, topic and condition. It is cut into shards, so that
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
	quota              window
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
		wait = one.quota.take(now, perMinute)
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

// TargetCount says what happened to one token, topic or condition.
type TargetCount struct {
	// Requests counts valid send requests, Accepted those of them that were taken.
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

// A window is a quota over minutes that begin with the first request, not with
// the clock.
type window struct {
	start time.Time
	used  int
}

// take uses one of the quota, or says how long there is none left.
func (w *window) take(now time.Time, perMinute int) time.Duration {
	end := w.start.Add(time.Minute)
	if !now.Before(end) {
		w.start, w.used = now, 0
		end = now.Add(time.Minute)
	}
	if w.used >= perMinute {
		return end.Sub(now)
	}
	w.used++
	return 0
}

// projects holds the window of each project.
type projects struct {
	mu sync.Mutex
	m  map[string]*window
}

func (p *projects) take(name string, now time.Time, perMinute int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.m[name]
	if w == nil {
		w = new(window)
		p.m[name] = w
	}
	return w.take(now, perMinute)
}

func (p *projects) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m = make(map[string]*window)
}
