package line

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestWrongProjectDoesNotEmptyTheDirectory: single devices of another project are
// gone; when it is all of them, the project is wrong, and sending pauses until one
// device is ours.
func TestWrongProjectDoesNotEmptyTheDirectory(t *testing.T) {
	o := standard
	var ours atomic.Bool
	p := &provider{answer: func(_ int, token string) reply {
		if ours.Load() || strings.HasPrefix(token, "ours") {
			return reply{}
		}
		return reply{Answer: Answer{Fate: Gone, Scope: All, Doubt: errors.New("check project_id")}}
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		send := func(token string) (Answer, error) { return p.send(t.Context(), l, token, "android") }
		for i := range 2 * EnoughDoubts { // one in ten is ours
			a, err := send([]string{"ours", "theirs"}[min(1, i%10)] + strconv.Itoa(i))
			if err != nil || a.Fate != Accepted && a.Fate != Gone {
				t.Fatalf("message %d: %+v, %v", i, a, err)
			}
		}
		removed := 0
		for i := range 5 * EnoughDoubts {
			if a, err := send("x" + strconv.Itoa(i)); err == nil && a.Fate == Gone {
				removed++
			} else if !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "project_id") {
				t.Fatalf("message %d: %+v, %v", i, a, err)
			}
			time.Sleep(time.Second) // each is the probe
		}
		if removed == 0 || removed >= EnoughDoubts {
			t.Errorf("%d devices were removed, want fewer than %d", removed, EnoughDoubts)
		}
		ours.Store(true)
		time.Sleep(time.Minute)
		if a, err := send("x"); err != nil || a.Fate != Accepted {
			t.Errorf("after the credentials were replaced: %+v, %v", a, err)
		}
	})
}

// doubtful are the answers that an address is gone for a reason that may be ours: in the
// wrong project, with the wrong key of the app.
var doubtful = map[string]reply{
	"everybody": {Answer: Answer{Fate: Gone, Scope: All, Err: errors.New("not ours"), Doubt: errors.New("check project_id")}},
	"iPhones":   {Answer: Answer{Fate: Gone, Scope: OfGroup, Err: errors.New("not ours"), Doubt: errors.New("check the APNs key")}},
}

// TestWrongProjectFromTheStart: no device is removed by a process that is in the wrong
// project from its start, however often it is started again. Each is asked again, until
// there are enough to say what the matter is. That others are reached who prove nothing
// changes nothing: subscribers of a channel, Android beside iPhones. Once one device is
// ours, those leave that are not.
func TestWrongProjectFromTheStart(t *testing.T) {
	t.Parallel()
	o := standard
	for name, theirs := range doubtful {
		t.Run(name, func(t *testing.T) {
			var ours atomic.Bool
			p := &provider{answer: func(_ int, token string) reply {
				if strings.HasPrefix(token, "/topics/") || strings.HasPrefix(token, "ours") && ours.Load() || strings.HasPrefix(token, "android") && theirs.Scope == OfGroup {
					return reply{}
				}
				return theirs
			}}
			bubble(t, o, func(t *testing.T, _ *Line) {
				t.Helper()
				var l *Line
				for range 5 {
					l = New(o)
					wantKept(t, p, l)
				}
				for i := range EnoughDoubts {
					_, _ = p.send(t.Context(), l, "more"+strconv.Itoa(i), "ios")
				}
				wantStopped(t, p, l, theirs)
				ours.Store(true)
				time.Sleep(time.Minute)
				if a, err := p.send(t.Context(), l, "ours", "ios"); err != nil || a.Fate != Accepted {
					t.Fatalf("after the credentials were replaced: %+v, %v", a, err)
				}
				if a, err := p.send(t.Context(), l, "x", "ios"); err != nil || a.Fate != Gone {
					t.Errorf("one that is really not ours: %+v, %v", a, err)
				}
			})
		})
	}
}

// wantKept sends to fewer devices than make the line stop.
func wantKept(t *testing.T, p *provider, l *Line) {
	t.Helper()
	for i := range EnoughDoubts - 2 { // Android's is one, too, in the wrong project
		for _, to := range []struct{ token, group string }{{"/topics/one", ""}, {"android", "android"}} {
			_, _ = p.send(t.Context(), l, to.token, to.group)
		}
		a, err := p.send(t.Context(), l, "ours"+strconv.Itoa(i), "ios")
		if err != nil || a.Fate != Again || a.Scope != One || !a.Tried || !errors.Is(a.Err, errKept) || !strings.Contains(a.Err.Error(), "not ours") {
			t.Fatalf("device %d: %+v, %v, want it tried again", i, a, err)
		}
	}
}

// wantStopped sends to one more.
func wantStopped(t *testing.T, p *provider, l *Line, theirs reply) {
	t.Helper()
	a, err := p.send(t.Context(), l, "last", "ios")
	if err == nil && a.Scope == OfGroup && a.Fate == Again {
		err = a.Err
	}
	if err == nil || !strings.Contains(err.Error(), theirs.Doubt.Error()) {
		t.Errorf("with enough doubts: %+v, %v, want that it stops and says why", a, err)
	}
	_, android := l.resting.answer(&Call{Key: "x", Group: l.Group("android")}, time.Now())
	if all := theirs.Scope == All; all == l.gate.open() || android {
		t.Errorf("the gate is open: %t, Android rests: %t", l.gate.open(), android)
	}
}

// TestDoubtsAboutAnotherGroup: what Apple says of a device whose platform nobody has
// told is about iPhones. Others of whom it is not known are sent to.
func TestDoubtsAboutAnotherGroup(t *testing.T) {
	o := standard
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		r := doubtful["iPhones"]
		r.Group = l.Group("ios")
		p := &provider{answer: func(_ int, token string) reply {
			if strings.HasPrefix(token, "android") {
				return reply{}
			}
			return r
		}}
		for i := range 2 * EnoughDoubts {
			_, _ = p.send(t.Context(), l, "i"+strconv.Itoa(i), "")
		}
		if _, apple := l.resting.answer(&Call{Key: "x", Group: l.Group("ios")}, time.Now()); !apple {
			t.Error("iPhones do not rest")
		}
		if a, err := p.send(t.Context(), l, "android", ""); err != nil || a.Fate != Accepted {
			t.Errorf("one that is no iPhone: %+v, %v", a, err)
		}
		asked := p.count()
		if a, err := p.send(t.Context(), l, "i39", ""); err != nil || a.Fate != Again || a.Wait <= 0 || p.count() != asked {
			t.Errorf("one that was just asked: %+v, %v after %d requests", a, err, p.count()-asked)
		}
	})
}

// wide are the answers that speak of more than their target.
var wide = map[string]reply{
	"third party":   thirdParty,
	"Apple is down": {Answer: Answer{Fate: Again, Scope: OfGroup, Err: errors.New("unreachable")}},
	"401":           refused,
	"project quota": quotaOfProject,
	"503":           down503.after(20 * time.Second),
	"500":           down503,
	"reset":         reset,
	"unprocessed":   unprocessed,
	"silence":       silence,
	"a proxy's 405": foreign,
	"a proxy's 429": {Answer: Exchange{Status: 429}.Unknown()},
}

// TestFewDoNotStopTheirNeighbours: whatever one device always gets as an answer, or two,
// or three beside others that are served: the others are sent to at once, and neither
// their platform rests nor is FCM down.
func TestFewDoNotStopTheirNeighbours(t *testing.T) {
	o := standard
	t.Parallel()
	for name, bad := range wide {
		for few := 1; few <= 3; few++ {
			t.Run(name+" for "+strconv.Itoa(few), func(t *testing.T) {
				p := &provider{answer: func(_ int, token string) reply {
					if strings.HasPrefix(token, "bad") {
						return bad
					}
					return reply{latency: 50 * time.Millisecond}
				}}
				bubble(t, o, func(t *testing.T, l *Line) {
					t.Helper()
					all := &sync.WaitGroup{}
					for range 60 {
						for i := range few { // as busy as all others
							all.Go(func() { _, _ = p.send(t.Context(), l, "bad"+strconv.Itoa(i), "ios") })
						}
						for i := range 6 {
							all.Go(func() {
								began := time.Now()
								a, err := p.send(t.Context(), l, "good"+strconv.Itoa(i), "ios")
								if took := time.Since(began); !t.Failed() && (err != nil || a.Fate != Accepted || took > 50*time.Millisecond) {
									t.Errorf("a neighbour: %+v, %v after %s", a, err, took)
								}
							})
						}
						time.Sleep(time.Second / 2)
					}
					all.Wait()
					if l.limit.now != l.limit.most || !l.gate.open() {
						t.Errorf("%v requests are allowed at once, and the gate is open: %t", l.limit.now, l.gate.open())
					}
				})
			})
		}
	}
}

// TestSilentDeviceIsAskedRarely: a device that never answers holds few places, each
// time for a longer rest, and what it is asked for is an attempt.
func TestSilentDeviceIsAskedRarely(t *testing.T) {
	o := standard
	p := &provider{answer: func(int, string) reply { return reply{latency: time.Hour} }}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		attempts := 0
		for end := time.Now().Add(time.Hour); time.Now().Before(end); {
			a, err := p.send(t.Context(), l, "t", "android")
			if err != nil || a.Fate != Again || a.Wait <= 0 {
				t.Fatalf("%+v, %v", a, err)
			}
			if a.Tried {
				attempts++
			}
			time.Sleep(time.Second)
		}
		if n := p.count(); attempts != n || n < 20 || n > 40 {
			t.Errorf("%d requests in an hour, %d attempts", n, attempts)
		}
	})
}

// TestManyAreBelieved: when nobody is served, what they are told is believed after a
// few requests, and costs nobody an attempt who has no part in it.
func TestManyAreBelieved(t *testing.T) {
	o := standard
	t.Parallel()
	for name, bad := range wide {
		t.Run(name, func(t *testing.T) {
			down := false
			p := &provider{answer: func(int, string) reply {
				if down {
					return bad
				}
				return reply{}
			}}
			bubble(t, o, func(t *testing.T, l *Line) {
				t.Helper()
				if a, err := p.send(t.Context(), l, "t", "ios"); err != nil || a.Fate != Accepted {
					t.Fatalf("%+v, %v", a, err)
				}
				down = true
				var attempts atomic.Int64
				var all sync.WaitGroup
				for i := range 100 {
					all.Go(func() {
						if a, err := p.send(t.Context(), l, "t"+strconv.Itoa(i), "ios"); err == nil && a.Tried {
							attempts.Add(1)
						}
					})
					synctest.Wait()
				}
				all.Wait()
				_, apple := l.resting.answer(&Call{Key: "x", Group: l.Group("ios")}, time.Now())
				if l.gate.open() && !apple {
					t.Error("it is not believed")
				}
				if n := p.count() - 1; n > enoughAnswers+1 && bad.latency == 0 { // a 401 is asked again with a fresh token
					t.Errorf("%d requests until it was, want at most %d", n, enoughAnswers)
				}
				if n := attempts.Load(); n >= enoughAnswers {
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}
