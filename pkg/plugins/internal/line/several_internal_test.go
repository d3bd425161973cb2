package line

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// keysOf are n addresses.
func keysOf(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprint("key-", i))
	}
	return keys
}

// sendEach makes one request for keys that is answered with a.
func sendEach(t *testing.T, l *Line, keys []string, a Answer) Answer {
	t.Helper()
	return l.Send(t.Context(), Call{Keys: keys, Do: func(_ context.Context, answered func(Answer)) { answered(a) }})
}

var errOurs = errors.New("they are of another app")

// each are answers that an address is gone for a reason that may be ours, and served accepted
// ones at the end.
func each(gone, served int) (all []Answer) {
	for range gone {
		all = append(all, Answer{Fate: Gone, Scope: All, Doubt: errOurs, Tried: true, Err: errors.New("gone")})
	}
	for range served {
		all = append(all, Answer{Fate: Accepted, Tried: true})
	}
	return all
}

// TestEachBesideTheOthers: as many as want are gone when one beside them is served,
// whatever their order; when none is, they are kept, and the provider is closed.
func TestEachBesideTheOthers(t *testing.T) {
	t.Parallel()
	for served, want := range []Fate{Again, Gone} {
		t.Run(fmt.Sprint(served, " served"), func(t *testing.T) {
			bubble(t, standard, func(t *testing.T, l *Line) {
				t.Helper()
				all := each(3*EnoughDoubts, served)
				a := sendEach(t, l, keysOf(len(all)), Answer{Fate: Again, Tried: true, Err: errOurs, Each: all})
				if served == 0 {
					if !errors.Is(a.Err, ErrDown) || !errors.Is(a.Err, errOurs) || l.gate.open() {
						t.Errorf("got %+v, want that the provider is down, and why", a)
					}
					return
				}
				for i, one := range a.Each {
					if i < 3*EnoughDoubts && one.Fate != want || !l.gate.open() {
						t.Fatalf("the %d. is %+v, want fate %d", i, one, want)
					}
				}
			})
		})
	}
}

// TestOneRequestIsOneAnswer: a fault of a whole request is no evidence of as many as are in
// it, and none of them rests for it.
func TestOneRequestIsOneAnswer(t *testing.T) {
	bubble(t, standard, func(t *testing.T, l *Line) {
		t.Helper()
		sick := Answer{Fate: Again, Scope: All, Tried: true, Wait: time.Minute, Err: errors.New("sick")}
		a := sendEach(t, l, keysOf(100), sick)
		if a.Scope != One || !l.gate.open() {
			t.Errorf("got %+v, want that it is believed of nobody else", a)
		}
		if _, rests := l.Rests(Call{Key: "key-0"}); rests {
			t.Error("an address rests because of a request for many")
		}
		if a := sendEach(t, l, keysOf(100), Answer{Fate: Accepted, Tried: true}); a.Fate != Accepted {
			t.Errorf("got %+v, want that it is sent", a)
		}
	})
}

// TestRests: of several, those rest whose own answer says so.
func TestRests(t *testing.T) {
	bubble(t, standard, func(t *testing.T, l *Line) {
		t.Helper()
		all := each(0, 2)
		all[1] = Answer{Fate: Again, Wait: time.Minute, Tried: true, Err: errors.New("quota")}
		sendEach(t, l, keysOf(2), Answer{Fate: Accepted, Tried: true, Each: all})
		for i, want := range []bool{false, true} {
			if a, rests := l.Rests(Call{Key: fmt.Sprint("key-", i)}); rests != want {
				t.Errorf("key-%d rests: %t (%+v)", i, rests, a)
			}
		}
		time.Sleep(time.Minute)
		if a, rests := l.Rests(Call{Key: "key-1"}); rests {
			t.Errorf("after its time it rests: %+v", a)
		}
	})
}
