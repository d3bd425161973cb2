package fcm

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestLimit: fewer at once after refusals, once a second, and more again with
// success; nobody who waits is forgotten.
func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(100)
		for range 100 {
			if err := l.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 50 { // all refused in one second: once
			l.done(false, true, time.Now())
		}
		if l.now != 70 {
			t.Errorf("limit is %v, want 70", l.now)
		}
		var waiting sync.WaitGroup
		for range 100 {
			waiting.Go(func() {
				if err := l.acquire(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				l.done(true, false, time.Now())
			})
		}
		synctest.Wait()
		if l.used != 70 {
			t.Errorf("%d are in, want 70", l.used)
		}
		for range 50 {
			l.done(true, false, time.Now())
		}
		waiting.Wait()
		if l.used != 0 || l.waiting.Len() != 0 {
			t.Errorf("%d are in and %d wait", l.used, l.waiting.Len())
		}
		if got := l.now; got < 77 || got > 78 {
			t.Errorf("limit is %v, want 70 and a twentieth of 150", got)
		}
		for range 100 {
			time.Sleep(time.Second)
			if err := l.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.done(false, true, time.Now())
		}
		if l.now != 8 {
			t.Errorf("limit is %v, want 8 at least", l.now)
		}
	})
}

// TestLimitCancelled: who gives up while waiting takes no place along, whenever
// that is.
func TestLimitCancelled(t *testing.T) {
	t.Parallel()
	l := newLimit(4)
	var all sync.WaitGroup
	for i := range 2000 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%2 == 0 {
				go cancel()
			}
			if err := l.acquire(ctx); err == nil {
				l.done(true, false, time.Time{})
			}
		})
	}
	all.Wait()
	if l.used != 0 || l.waiting.Len() != 0 {
		t.Errorf("%d are in and %d wait", l.used, l.waiting.Len())
	}
}

// TestPace: the ramp rises from a tenth to the whole, and the whole is not passed.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1000, 10*time.Second)
		sent := make([]atomic.Int64, 30)
		start := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for {
					if err := p.wait(t.Context()); err != nil {
						t.Error(err)
					}
					second := int(time.Since(start) / time.Second)
					if second >= len(sent) {
						return
					}
					sent[second].Add(1)
				}
			})
		}
		all.Wait()
		for second := range sent {
			n := int(sent[second].Load())
			want := min(1000, 100+90*second+45)
			if second == 0 {
				want += 100 // the burst
			}
			if n < want*8/10 || n > want*11/10+1 {
				t.Errorf("second %d: %d sent, want about %d", second, n, want)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		for range 200 {
			if err := p.wait(short); err != nil {
				return
			}
		}
		t.Error("waits beyond the context's deadline")
	})
}

// TestRestingIsBounded: what is remembered has an end, and makes room for what
// counts.
func TestRestingIsBounded(t *testing.T) {
	t.Parallel()
	var r resting
	now := time.Now()
	slow := answer{fate: again, wait: time.Minute, tried: true}
	for i := range maxResting + 10 {
		r.learn(to(strconv.Itoa(i)), android, slow, now)
	}
	if n := len(r.targets); n != maxResting {
		t.Errorf("%d are remembered, want %d", n, maxResting)
	}
	r.learn(to("late"), android, slow, now.Add(2*time.Minute))
	if _, ok := r.answer(to("late"), android, now.Add(2*time.Minute)); !ok || len(r.targets) != 1 {
		t.Errorf("%d are remembered, want the last one only", len(r.targets))
	}
}

// TestCause: what a tally asks for the targets that remain.
func TestCause(t *testing.T) {
	t.Parallel()
	plain := answer{fate: again, tried: true, err: errors.New("plain")}
	slow := func(after time.Duration, tried bool) answer {
		return answer{fate: again, wait: after, tried: tried, err: errors.New("slow")}
	}
	tests := map[string]struct {
		answers []answer
		after   time.Duration
		counted bool
	}{
		"plain":                      {[]answer{plain}, 0, true},
		"the slow rest meanwhile":    {[]answer{slow(time.Minute, true), plain}, 0, true},
		"slow":                       {[]answer{slow(5*time.Second, true)}, 5 * time.Second, true},
		"nearly the same time":       {[]answer{slow(6*time.Second, true), slow(5*time.Second, true), slow(9*time.Second, true)}, 6 * time.Second, true},
		"only rested":                {[]answer{slow(3*time.Second, false)}, 3 * time.Second, false},
		"broken platform":            {[]answer{{fate: again, scope: group, wait: platformWait, err: errors.New("APNs")}}, platformWait, false},
		"interrupted":                {[]answer{{fate: again, err: errInterrupted}}, 0, false},
		"one rested, one was tried":  {[]answer{slow(3*time.Second, false), slow(9*time.Second, true)}, 3 * time.Second, true},
		"one interrupted, one tried": {[]answer{{fate: again, err: errInterrupted}, plain}, 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tally := newTally(&push.Receipt{})
			for _, a := range tt.answers {
				tally.note(&target{}, a)
			}
			err := tally.outcome()
			var after time.Duration
			if told, ok := errors.AsType[*push.RetryAfterError](err); ok {
				after = told.After
			}
			if after != tt.after || errors.Is(err, push.ErrNotStarted) == tt.counted {
				t.Errorf("outcome is %v: after %s, want %s, counted %v", err, after, tt.after, tt.counted)
			}
			tally.down(&target{}, errDown)
			if _, ok := errors.AsType[*push.UnavailableError](tally.outcome()); !ok {
				t.Error("an outage is not one")
			}
		})
	}
}
