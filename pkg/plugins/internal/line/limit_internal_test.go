package line

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// acquire waits for a place.
func acquire(ctx context.Context, l *limit) error {
	if l.enter() {
		return nil
	}
	turn := make(chan error, 1)
	l.wait(ctx, func(err error) { turn <- err })
	return <-turn
}

func to(key string) *Call { return &Call{Key: key, Group: &Group{}} }

// TestLimit: fewer at once after refusals, once a second, and more again with
// success; nobody who waits is forgotten.
func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(100)
		for range 100 {
			if err := acquire(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		for range 50 { // all refused in one second: once
			l.leave(false, true, time.Now())
		}
		if l.now != 70 {
			t.Errorf("limit is %v, want 70", l.now)
		}
		var waiting sync.WaitGroup
		for range 100 {
			waiting.Go(func() {
				if err := acquire(t.Context(), l); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				l.leave(true, false, time.Now())
			})
		}
		synctest.Wait()
		if l.used != 70 {
			t.Errorf("%d are in, want 70", l.used)
		}
		for range 50 {
			l.leave(true, false, time.Now())
		}
		waiting.Wait()
		if l.used != 0 || l.waiting.list.Len() != 0 {
			t.Errorf("%d are in and %d wait", l.used, l.waiting.list.Len())
		}
		if got := l.now; got < 77 || got > 78 {
			t.Errorf("limit is %v, want 70 and a twentieth of 150", got)
		}
		for range 100 {
			time.Sleep(time.Second)
			if err := acquire(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			l.leave(false, true, time.Now())
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
			if err := acquire(ctx, l); err == nil {
				l.leave(true, false, time.Time{})
			}
		})
	}
	all.Wait()
	if l.used != 0 || l.waiting.list.Len() != 0 {
		t.Errorf("%d are in and %d wait", l.used, l.waiting.list.Len())
	}
}

// TestRestingIsBounded: what is remembered has an end, and makes room for what
// counts.
func TestRestingIsBounded(t *testing.T) {
	t.Parallel()
	var r resting
	now := time.Now()
	slow := Answer{Fate: Again, Wait: time.Minute, Tried: true}
	for i := range maxResting + 10 {
		r.learn(to(strconv.Itoa(i)), slow, now)
	}
	if n := len(r.keys); n != maxResting {
		t.Errorf("%d are remembered, want %d", n, maxResting)
	}
	r.learn(to("late"), slow, now.Add(2*time.Minute))
	if _, ok := r.answer(to("late"), now.Add(2*time.Minute)); !ok || len(r.keys) != 1 {
		t.Errorf("%d are remembered, want the last one only", len(r.keys))
	}
}
