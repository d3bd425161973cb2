package fcm

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"firebase.google.com/go/v4/messaging"
)

const (
	// maxResting bounds how many targets are remembered; of more, receipts come back
	// when they were told to, but other receipts for the same target do not wait.
	maxResting = 1 << 16
	// turnWait is after how long those come back for whom a target that has rested is
	// just being asked; if that takes longer, after as long as it has taken.
	turnWait = 500 * time.Millisecond
	// leastSilence and mostSilence bound how long a target rests that has not answered
	// in time: as long as it was waited for, each time twice as long.
	leastSilence = time.Second
	mostSilence  = 2 * time.Minute
)

// resting knows which targets are to be left alone for a while: devices and topics
// that are to wait, whatever receipt they are asked for by, and platforms that FCM
// cannot reach now. When a target's time has come one message
// is sent to it, and the others wait for what becomes of that.
type resting struct {
	mu      sync.Mutex
	targets map[restKey]rest

	platforms [platforms]atomic.Pointer[rest]
}

// restKey is a message's target; one of the two is empty.
type restKey struct{ token, topic string }

// rest is an answer that stands until then.
type rest struct {
	until  time.Time
	answer answer
	asked  bool // its time has come, and until then somebody is asking
}

func keyOf(m *messaging.Message) restKey { return restKey{m.Token, m.Topic} }

// learn remembers a, the answer for m at now, if it asks to wait.
func (r *resting) learn(m *messaging.Message, p platform, a answer, now time.Time) {
	switch {
	case a.fate != again || a.wait <= 0 || a.scope == all:
		return
	case a.scope == group:
		r.platforms[p].Store(&rest{until: now.Add(a.wait), answer: a})
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.targets) >= maxResting {
		maps.DeleteFunc(r.targets, func(_ restKey, rest rest) bool { return !now.Before(rest.until) })
	}
	if len(r.targets) >= maxResting {
		return
	}
	if r.targets == nil {
		r.targets = make(map[restKey]rest)
	}
	if old := r.targets[keyOf(m)]; a.silent && old.asked && old.answer.silent {
		a.wait = min(max(a.wait, 2*old.answer.wait), mostSilence)
	}
	r.targets[keyOf(m)] = rest{until: now.Add(a.wait), answer: a}
}

// answer is the one that still stands for m, with what is left of its time.
func (r *resting) answer(m *messaging.Message, p platform, now time.Time) (answer, bool) {
	if rest := r.platforms[p].Load(); rest != nil && now.Before(rest.until) {
		return rest.left(now), true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rest, ok := r.targets[keyOf(m)]
	if !ok || !now.Before(rest.until) {
		return answer{}, false
	}
	return rest.left(now), true
}

// ask is answer for who sends otherwise. If m's target has rested, he is the one to
// ask, and done must be called once he knows.
func (r *resting) ask(m *messaging.Message, p platform, now time.Time) (a answer, known bool, done func()) {
	if a, known = r.answer(m, p, now); known {
		return a, true, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rest, ok := r.targets[keyOf(m)]
	switch {
	case !ok:
		return answer{}, false, func() {}
	case now.Before(rest.until): // another has been faster
		return rest.left(now), true, nil
	}
	rest.until, rest.asked = now.Add(sendTimeout), true
	r.targets[keyOf(m)] = rest
	return answer{}, false, func() { r.forget(m) }
}

// forget ends the turn of who has asked, unless he was told to wait again.
func (r *resting) forget(m *messaging.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.targets[keyOf(m)].asked {
		delete(r.targets, keyOf(m))
	}
}

func (r rest) left(now time.Time) answer {
	a := r.answer
	a.wait, a.tried = r.until.Sub(now), false
	if r.asked {
		a.wait = min(a.wait, max(turnWait, sendTimeout-a.wait))
	}
	return a
}
