package fanout

import (
	"errors"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestCause: what a tally asks for the targets that remain.
func TestCause(t *testing.T) {
	t.Parallel()
	plain := line.Answer{Fate: line.Again, Tried: true, Err: errors.New("plain")}
	slow := func(after time.Duration, tried bool) line.Answer {
		return line.Answer{Fate: line.Again, Wait: after, Tried: tried, Err: errors.New("slow")}
	}
	tests := map[string]struct {
		answers []line.Answer
		after   time.Duration
		counted bool
	}{
		"plain":                      {[]line.Answer{plain}, 0, true},
		"the slow rest meanwhile":    {[]line.Answer{slow(time.Minute, true), plain}, 0, true},
		"slow":                       {[]line.Answer{slow(5*time.Second, true)}, 5 * time.Second, true},
		"nearly the same time":       {[]line.Answer{slow(6*time.Second, true), slow(5*time.Second, true), slow(9*time.Second, true)}, 6 * time.Second, true},
		"only rested":                {[]line.Answer{slow(3*time.Second, false)}, 3 * time.Second, false},
		"broken platform":            {[]line.Answer{{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Err: errors.New("APNs")}}, line.GroupWait, false},
		"interrupted":                {[]line.Answer{{Fate: line.Again, Err: line.ErrInterrupted}}, 0, false},
		"one rested, one was tried":  {[]line.Answer{slow(3*time.Second, false), slow(9*time.Second, true)}, 3 * time.Second, true},
		"one interrupted, one tried": {[]line.Answer{{Fate: line.Again, Err: line.ErrInterrupted}, plain}, 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tally := newTally(&push.Receipt{})
			for _, a := range tt.answers {
				tally.note(push.Device{}, a)
			}
			err := tally.outcome()
			var after time.Duration
			if told, ok := errors.AsType[*push.RetryAfterError](err); ok {
				after = told.After
			}
			if after != tt.after || errors.Is(err, push.ErrNotStarted) == tt.counted {
				t.Errorf("outcome is %v: after %s, want %s, counted %v", err, after, tt.after, tt.counted)
			}
			tally.note(push.Device{}, line.Answer{Fate: line.Again, Scope: line.All, Err: line.ErrDown})
			if _, ok := errors.AsType[*push.UnavailableError](tally.outcome()); !ok {
				t.Error("an outage is not one")
			}
		})
	}
}
