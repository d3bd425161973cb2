package fcm

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// An answer that is said to concern more than its target is believed after
	// enoughAnswers in a row, from enoughTargets different targets: one device that
	// fails always, or three in a bad minute, do not stop their neighbours.
	enoughAnswers = 10
	enoughTargets = 3
	// enoughDoubts is how many different tokens in a row may be gone for a reason that
	// may be ours before it is.
	enoughDoubts = 20
	// stillness is how long nothing was accepted when enoughAnswers are believed of
	// fewer targets: there is nobody beside them whom that could stop.
	stillness = 10 * time.Second
	// aloneWait is how long a target is left alone that alone got a refusal which is
	// not about it, and platformWait a platform that FCM cannot reach, or a device that
	// is told so.
	aloneWait    = time.Second
	platformWait = 30 * time.Second
)

// evidence decides whom an answer concerns. A wider scope than the target needs
// answers from several targets and none beside them that shows the contrary; until
// then the answer is the target's own.
type evidence struct {
	all    streak            // FCM cannot be used; what FCM says about a target ends it
	groups [platforms]streak // the platform cannot be reached; its accepted messages end it
	alien  streak            // tokens are another project's; accepted messages end it
	apple  streak            // tokens are refused by Apple; its accepted messages end it
	served atomic.Int64      // when a message was last accepted, in Unix ns
}

// streak is answers of one kind in a row.
type streak struct {
	state   atomic.Uint32
	mu      sync.Mutex
	answers int
	targets map[restKey]struct{} // at most enoughDoubts
}

// The states of a streak.
const (
	fresh = iota // nothing has shown the contrary yet
	ended
	running
)

// add counts an answer for a target, and says how many there are, of how many
// targets, and whether the answer before it showed the contrary.
func (s *streak) add(of restKey) (answers, targets int, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.state.Swap(running) == ended
	s.answers++
	if s.targets == nil {
		s.targets = make(map[restKey]struct{})
	}
	if len(s.targets) < enoughDoubts {
		s.targets[of] = struct{}{}
	}
	return s.answers, len(s.targets), first
}

// end notes an answer that shows the contrary.
func (s *streak) end() {
	if s.state.Load() == ended {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Store(ended)
	s.answers, s.targets = 0, nil
}

// judge narrows a, what FCM has answered for a target, to those whom it concerns for certain.
func (e *evidence) judge(a answer, of restKey, p platform, now time.Time) answer {
	switch {
	case a.fate == accepted:
		e.accept(p, now)
	case a.doubtful:
		return e.doubt(a, of)
	case a.scope == all:
		answers, targets, first := e.all.add(of)
		if answers < enoughAnswers || targets < enoughTargets && !e.isStill(a, now) {
			return a.alone(first)
		}
	case a.scope == group:
		e.all.end()
		answers, targets, first := e.groups[p].add(of)
		// Which platform an unknown one is, FCM does not say.
		if answers < enoughAnswers || targets < enoughTargets || p == otherPlatform {
			return a.alone(first)
		}
		a.tried = false
		a.wait = cmp.Or(a.wait, platformWait)
	default:
		e.all.end()
	}
	return a
}

// accept notes that a message was accepted.
func (e *evidence) accept(p platform, now time.Time) {
	e.all.end()
	e.groups[p].end()
	e.alien.end()
	if p == ios {
		e.apple.end()
	}
	if last := e.served.Load(); now.UnixNano()-last >= int64(time.Second) {
		e.served.Store(now.UnixNano())
	}
}

// isStill reports whether nobody is served beside the target of a. Who does not
// answer rests, and stops nobody; of whom has to wait, FCM has said how long.
func (e *evidence) isStill(a answer, now time.Time) bool {
	return !a.silent && a.wait == 0 && now.UnixNano()-e.served.Load() >= int64(stillness)
}

// doubt turns the answer that a token is gone into one about us, once too many are.
func (e *evidence) doubt(a answer, of restKey) answer {
	e.all.end()
	tokens, text := &e.alien, "FCM says of %d devices in a row that they belong to another project, and of none that it is ours: "+
		"check that credentials and project_id are those of the project that the apps use; no more devices are removed until one is ours"
	if a.scope == group {
		tokens, text = &e.apple, "Apple refuses the tokens of %d devices in a row and accepts none: "+
			"check the APNs key and the app's bundle id in the Firebase console, and apns_bundle_id; no more devices are removed until one is accepted"
	}
	if _, targets, _ := tokens.add(of); targets < enoughDoubts {
		a.scope = one
		return a
	}
	a.fate, a.closed, a.innocent, a.err = again, true, true, fmt.Errorf(text, enoughDoubts)
	if a.scope == group {
		a.wait, a.tried = platformWait, false
	}
	return a
}

// alone is a for its target only. The target has no part in it unless first says
// that the others are served.
func (a answer) alone(first bool) answer {
	a.scope = one
	if a.innocent {
		a.tried = first
		if a.wait == 0 {
			a.wait = aloneWait
		}
	}
	return a
}
