package fanout

import (
	"context"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// Test is [push.Work.Test].
func (f *Fanout[M]) Test(ctx context.Context, d push.Device, token string) (push.Tested, bool) {
	if d.Token == "" || !d.For(f.way.Provider) || !f.way.Mine(d) {
		return push.Tested{}, false
	}
	r := push.NewTest(d.User, token)
	t := newTally(r)
	var way stopwatch
	switch made, err := f.way.Prepare(r, time.Now()); {
	case err != nil:
		t.note(d, line.Answer{Fate: line.Rejected, Err: err})
	case made == nil:
		t.skip(d, f.nothing().Why)
	default:
		chooser, _ := made.(Chooser)
		if why := skip(chooser, d, r.To[d.User], []push.Device{d}); why != "" {
			t.skip(d, why)
			break
		}
		sent := time.Now()
		a := f.way.Line.Send(ctx, way.around(f.way.Call(d, made.Device(d, r.To[d.User]))))
		if a.Fate == line.Gone {
			a = f.forget(ctx, d, sent, a)
		}
		t.note(d, a)
	}
	asked, answered := way.times()
	return push.Tested{Target: t.items[0], Asked: asked, Answered: answered}, true
}

// stopwatch notes when a call has asked, and when it was answered, which may be after
// its sender has given up.
type stopwatch struct {
	mu              sync.Mutex
	asked, answered time.Time
}

func (s *stopwatch) note(at *time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*at = time.Now()
}

func (s *stopwatch) times() (asked, answered time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, s.answered
}

// around is c with the times noted.
func (s *stopwatch) around(c line.Call) line.Call {
	do := c.Do
	c.Do = func(ctx context.Context, answered func(line.Answer)) {
		s.note(&s.asked)
		do(ctx, func(a line.Answer) {
			s.note(&s.answered)
			answered(a)
		})
	}
	return c
}
