package line

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxResting bounds how many addresses are remembered; of more, receipts come back
	// when they were told to, but other receipts for the same address do not wait.
	maxResting = 1 << 16
	// turnWait is after how long those come back for whom an address that has rested is
	// just being asked; if that takes longer, after as long as it has taken.
	turnWait = 500 * time.Millisecond
	// leastSilence and mostSilence bound how long an address rests that has not answered
	// in time: as long as it was waited for, each time twice as long.
	leastSilence = time.Second
	mostSilence  = 2 * time.Minute
	// jitter is the share of a wait that grows by which it is longer at most, so that not
	// all addresses are asked at the same time.
	jitter = 8
)

// resting knows which addresses are to be left alone for a while, whatever receipt they
// are asked for by. When an address's time has come one message is sent to it, and the
// others wait for what becomes of that. While none rests nobody takes a lock.
type resting struct {
	mu    sync.Mutex
	keys  map[string]rest
	count atomic.Int64 // of keys
}

// rest is an answer that stands until then.
type rest struct {
	until  time.Time
	answer Answer
	asked  bool          // its time has come, and until then somebody is asking
	most   time.Duration // how long that may take
}

// learn remembers a, the answer to c at now, if it asks to wait, and returns it with how
// long that is.
func (r *resting) learn(c *Call, a Answer, now time.Time) Answer {
	switch {
	case a.Fate != Again || a.Wait <= 0 || a.Scope == All:
		return a
	case a.Scope == OfGroup && r.groupRests(c, a, now), len(c.Keys) > 0:
		return a
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) >= maxResting {
		maps.DeleteFunc(r.keys, func(_ string, rest rest) bool { return !now.Before(rest.until) })
		r.count.Store(int64(len(r.keys)))
	}
	if len(r.keys) >= maxResting {
		return a
	}
	old := r.keys[c.Key]
	told := a
	switch {
	case a.Silent && old.asked && old.answer.Silent:
		a.Wait = min(max(a.Wait, 2*old.answer.Wait), mostSilence)
	case a.Most > 0:
		if old.asked && old.answer.Code == a.Code {
			a.Wait = min(2*old.answer.Wait, a.Most)
		}
		told.Wait = a.Wait + rand.N(a.Wait/jitter+1) //nolint:gosec // a jitter needs no secrecy
	}
	r.set(c.Key, rest{until: now.Add(max(a.Wait, told.Wait)), answer: a})
	return told
}

// groupRests has the group rest that a is about, and reports whether c's address rests
// with it: it may be of no group that we know of.
func (r *resting) groupRests(c *Call, a Answer, now time.Time) bool {
	about := cmp.Or(a.Group, c.Group)
	if about.name != "" {
		about.rest.Store(&rest{until: now.Add(a.Wait), answer: a})
	}
	return about.name != "" && about == c.Group
}

// set is for who holds mu.
func (r *resting) set(key string, as rest) {
	if r.keys == nil {
		r.keys = make(map[string]rest)
	}
	r.keys[key] = as
	r.count.Store(int64(len(r.keys)))
}

// answer is the one that still stands for c, with what is left of its time.
func (r *resting) answer(c *Call, now time.Time) (Answer, bool) {
	if rest := c.Group.rest.Load(); rest != nil && now.Before(rest.until) {
		return rest.left(now), true
	}
	if r.count.Load() == 0 || len(c.Keys) > 0 {
		return Answer{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rest, ok := r.keys[c.Key]
	if !ok || !now.Before(rest.until) {
		return Answer{}, false
	}
	return rest.left(now), true
}

// ask is for who sends otherwise, after answer. If c's address has rested, c is the
// one to ask, which takes at most so long, and forget must be called once it knows.
func (r *resting) ask(c *Call, now time.Time, most time.Duration) (a Answer, known, asks bool) {
	if r.count.Load() == 0 || len(c.Keys) > 0 {
		return Answer{}, false, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rest, ok := r.keys[c.Key]
	switch {
	case !ok:
		return Answer{}, false, false
	case now.Before(rest.until): // another has been faster
		return rest.left(now), true, false
	}
	rest.until, rest.asked, rest.most = now.Add(most), true, most
	r.set(c.Key, rest)
	return Answer{}, false, true
}

// forget ends the turn of who has asked, unless it was told to wait again.
func (r *resting) forget(c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[c.Key].asked {
		delete(r.keys, c.Key)
		r.count.Store(int64(len(r.keys)))
	}
}

func (r rest) left(now time.Time) Answer {
	a := r.answer
	a.Wait, a.Tried = r.until.Sub(now), false
	if r.asked {
		a.Wait = min(a.Wait, max(turnWait, r.most-a.Wait))
	}
	return a
}
