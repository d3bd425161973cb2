package line

import (
	"errors"
	"time"
)

// name tells a call from others as evidence.
func (c *Call) name() string {
	if len(c.Keys) > 0 {
		return c.Keys[0]
	}
	return c.Key
}

// Rests is the answer that still stands for the address of c, which is then left out of a
// request for several.
func (l *Line) Rests(c Call) (Answer, bool) {
	if l.resting.count.Load() == 0 {
		return Answer{}, false
	}
	if c.Group == nil {
		c.Group = &l.loose
	}
	return l.resting.answer(&c, time.Now())
}

// judgeAll is judge for an answer that may say something else of each address.
func (l *Line) judgeAll(a Answer, c *Call, now time.Time) (Answer, error) {
	if a.Each == nil {
		return l.judge(a, c, now)
	}
	return l.judgeEach(a, c, now)
}

// judgeEach judges what a says of several addresses as if each had been asked alone, right
// after one that was accepted, if there is one: their order says nothing. The verdict is
// that the provider works, if anybody is served; else that it must not be asked, if that is
// the verdict about one; else that about the last. a becomes the answer that it is from.
func (l *Line) judgeEach(a Answer, c *Call, now time.Time) (_ Answer, verdict error) {
	each, one, served := a.Each, *c, false
	one.Keys = nil
	for i := range each {
		if one.Key = c.Keys[i]; each[i].Fate == Accepted {
			each[i], _ = l.judge(each[i], &one, now)
			a, served = each[i], true
		}
	}
	for i := range each {
		if each[i].Fate == Accepted {
			continue
		}
		if served {
			l.evidence.accept(c, now)
		}
		one.Key = c.Keys[i]
		var says error
		each[i], says = l.judge(each[i], &one, now)
		if !served && !errors.Is(verdict, errClose) {
			a, verdict = each[i], says
		}
	}
	a.Each = each
	return a, verdict
}
