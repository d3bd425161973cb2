package line

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// An answer that is said to concern more than its address is believed after
	// enoughAnswers in a row, from enoughTargets different addresses: one device that
	// fails always, or three in a bad minute, do not stop their neighbours.
	enoughAnswers = 10
	enoughTargets = 3
	// EnoughDoubts is how many different addresses in a row may be gone for a reason that
	// may be ours before it is.
	EnoughDoubts = 20
	// stillness is how long nothing was accepted when enoughAnswers are believed of
	// fewer addresses: there is nobody beside them whom that could stop.
	stillness = 10 * time.Second
	// aloneWait is how long an address is left alone that alone got a refusal which is
	// not about it.
	aloneWait = time.Second
	// GroupWait is how long a group is left alone that cannot be reached, or an address
	// that is told so.
	GroupWait = 30 * time.Second
)

// evidence decides whom an answer concerns. A wider scope than the address needs
// answers from several addresses and none beside them that shows the contrary; until
// then the answer is the address's own.
type evidence struct {
	all    streak       // the provider cannot be used; what it says about an address ends it
	doubts streak       // addresses are gone for a reason that may be ours; accepted messages end it
	served atomic.Int64 // when a message was last accepted, in Unix ns
}

// errKept is why an address is asked again that is said to be gone.
var errKept = errors.New("the device is kept and tried again: nothing was accepted since the start, so that the fault may be ours")

// streak is answers of one kind in a row.
type streak struct {
	state   atomic.Uint32
	refuted atomic.Bool // the contrary was ever shown
	mu      sync.Mutex
	answers int
	keys    map[string]struct{} // at most EnoughDoubts
}

// The states of a streak.
const (
	fresh = iota // nothing has shown the contrary yet
	ended
	running
)

// add counts an answer to key, and says how many there are, to how many addresses,
// and whether the answer before it showed the contrary.
func (s *streak) add(key string) (answers, keys int, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.state.Swap(running) == ended
	s.answers++
	if s.keys == nil {
		s.keys = make(map[string]struct{})
	}
	if len(s.keys) < EnoughDoubts {
		s.keys[key] = struct{}{}
	}
	return s.answers, len(s.keys), first
}

// end notes an answer that shows the contrary.
func (s *streak) end() {
	if s.state.Load() == ended {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Store(ended)
	s.refuted.Store(true)
	s.answers, s.keys = 0, nil
}

// judge narrows a, what the provider has answered to c, to those whom it concerns for
// certain. Whom an address of no group can fail together with nobody knows: they never
// rest because of each other.
func (e *evidence) judge(a Answer, c *Call, now time.Time) Answer {
	switch {
	case a.Fate == Accepted:
		e.accept(c, now)
	case a.Doubt != nil:
		return e.doubt(a, c)
	case a.Scope == All:
		answers, keys, first := e.all.add(c.name())
		if answers < enoughAnswers || keys < enoughTargets && !e.isStill(a, now) {
			return a.alone(first)
		}
	case a.Scope == OfGroup:
		e.all.end()
		answers, keys, first := c.Group.sick.add(c.name())
		if answers < enoughAnswers || keys < enoughTargets || c.Group.name == "" {
			return a.alone(first)
		}
		a.Tried = false
		a.Wait = cmp.Or(a.Wait, GroupWait)
	default:
		e.all.end()
	}
	return a
}

// accept notes that a message to c's address was accepted.
func (e *evidence) accept(c *Call, now time.Time) {
	e.all.end()
	c.Group.sick.end()
	if !c.Public {
		e.doubts.end()
		c.Group.doubts.end()
	}
	if last := e.served.Load(); now.UnixNano()-last >= int64(time.Second) {
		e.served.Store(now.UnixNano())
	}
}

// Served reports whether a message was accepted since then, by anybody.
func (l *Line) Served(since time.Time) bool { return l.evidence.served.Load() >= since.UnixNano() }

// isStill reports whether nobody is served beside the address of a. Who does not
// answer rests, and stops nobody; of whom has to wait, the provider has said how long.
func (e *evidence) isStill(a Answer, now time.Time) bool {
	return !a.Silent && a.Wait == 0 && now.UnixNano()-e.served.Load() >= int64(stillness)
}

// doubt turns the answer that an address is gone into one about us, once too many are.
// Until an address is known to be ours, none is gone: after each start the first would
// be removed before they are too many.
func (e *evidence) doubt(a Answer, c *Call) Answer {
	e.all.end()
	doubts := &e.doubts
	if a.Scope == OfGroup {
		doubts = &cmp.Or(a.Group, c.Group).doubts
	}
	if _, keys, _ := doubts.add(c.name()); keys < EnoughDoubts {
		a.Scope = One
		if !doubts.refuted.Load() {
			a.Fate, a.Err = Again, fmt.Errorf("%w; %w", a.Err, errKept)
		}
		return a
	}
	a.Fate, a.Closed, a.Innocent, a.Err = Again, true, true, a.Doubt
	if a.Scope == OfGroup {
		a.Wait, a.Tried = GroupWait, false
	}
	return a
}

// alone is a for its address only. The address has no part in it unless first says
// that the others are served.
func (a Answer) alone(first bool) Answer {
	a.Scope = One
	if a.Innocent {
		a.Tried = first
	}
	if (a.Innocent || a.unprocessed) && a.Wait == 0 {
		a.Wait = aloneWait
	}
	return a
}
