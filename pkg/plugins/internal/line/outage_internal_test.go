package line

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestOutageCostsNoAttempt: once it is known that FCM is down, its refusals are no
// attempts of the targets that meet them, a probe's included; and who rests says
// nothing about whether it is back.
func TestOutageCostsNoAttempt(t *testing.T) {
	o := standard
	p := &provider{answer: func(n int, token string) reply {
		if token == "rests" && n == 1 {
			return slow(time.Minute)
		}
		return down503
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		if a, err := p.send(t.Context(), l, "rests", "android"); err != nil || a.Fate != Again {
			t.Fatalf("%+v, %v", a, err)
		}
		attempts := 0
		for i := range 4 * enoughAnswers {
			if a, err := p.send(t.Context(), l, "t"+strconv.Itoa(i), "android"); err == nil && a.Tried {
				attempts++
			}
		}
		if attempts >= enoughAnswers {
			t.Errorf("%d attempts until the outage was known, want fewer than %d", attempts, enoughAnswers)
		}
		for range 5 {
			before := p.count()
			time.Sleep(probeEvery + time.Millisecond)
			if _, err := p.send(t.Context(), l, "rests", "android"); !errors.Is(err, ErrDown) || p.count() != before {
				t.Errorf("who rests learns %v by %d requests", err, p.count()-before)
			}
			if _, err := p.send(t.Context(), l, "probe", "android"); !errors.Is(err, ErrDown) || p.count() != before+1 {
				t.Errorf("the probe learns %v by %d requests", err, p.count()-before)
			}
		}
	})
}

// TestFirmWait: a provider that is down and has said how long to wait is not probed before.
func TestFirmWait(t *testing.T) {
	const wait = 15 * time.Second
	bubble(t, standard, func(t *testing.T, l *Line) {
		t.Helper()
		asked := 0
		send := func(key string) {
			l.Send(t.Context(), Call{Key: key, Do: func(_ context.Context, answered func(Answer)) {
				asked++
				answered(Answer{Fate: Again, Scope: All, Wait: wait, Firm: true, Tried: true, Code: "http-503", Err: errSick})
			}})
		}
		for i := range enoughAnswers {
			send(strconv.Itoa(i))
		}
		for range 3 {
			time.Sleep(wait - time.Second)
			before := asked
			if send("probe"); asked != before {
				t.Error("it is probed too soon")
			}
			time.Sleep(time.Second + time.Millisecond)
			if send("probe"); asked != before+1 {
				t.Errorf("after the wait it gets %d requests, want one", asked-before)
			}
		}
	})
}

// TestNoProbeBeforeRetryAfter: so it is with a Retry-After, of at most an hour. Without one the
// provider is probed every second.
func TestNoProbeBeforeRetryAfter(t *testing.T) {
	t.Parallel()
	for header, wait := range map[string]time.Duration{"600": 10 * time.Minute, "999999": time.Hour, "": probeEvery, "0": probeEvery} {
		t.Run(header, func(t *testing.T) {
			bubble(t, standard, func(t *testing.T, l *Line) {
				t.Helper()
				x := Exchange{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {header}}}
				asked := 0
				send := func(key string) {
					l.Send(t.Context(), Call{Key: key, Do: func(_ context.Context, answered func(Answer)) {
						asked++
						answered(x.Heed(Answer{Fate: Again, Scope: All, Tried: true, Code: "http-503", Err: errSick}, time.Now()))
					}})
				}
				for i := range enoughAnswers {
					send(strconv.Itoa(i))
				}
				for range 3 {
					time.Sleep(wait - time.Millisecond)
					before := asked
					if send("probe"); asked != before {
						t.Errorf("it is probed before %s", wait)
					}
					time.Sleep(2 * time.Millisecond)
					if send("probe"); asked != before+1 {
						t.Errorf("after %s it gets %d requests, want one", wait, asked-before)
					}
				}
			})
		})
	}
}

// TestWaitThatGrows: a provider that is as sick each time it is probed is asked twice as late, up
// to a bound, and at first again after it has served somebody. What was sent before counts once.
func TestWaitThatGrows(t *testing.T) {
	const wait, most = 15 * time.Second, 2 * time.Minute
	bubble(t, standard, func(t *testing.T, l *Line) {
		t.Helper()
		asked, answer := 0, Answer{Fate: Again, Scope: All, Wait: wait, Most: most, Firm: true, Tried: true, Code: "http-503", Err: errSick}
		send := func(key string) {
			l.Send(t.Context(), Call{Key: key, Do: func(_ context.Context, answered func(Answer)) {
				asked++
				answered(answer)
			}})
		}
		down := answer
		for range 2 {
			answer = down
			var open []func(Answer)
			for i := range 2 * enoughAnswers {
				l.Start(t.Context(), Call{Key: strconv.Itoa(i), Do: func(_ context.Context, answered func(Answer)) {
					open = append(open, answered)
				}}, func(Answer) {})
			}
			for i := 0; i < len(open); i++ { // one that ends lets another begin
				open[i](down)
			}
			for i, want := range []time.Duration{wait, 2 * wait, 4 * wait, most, most} {
				time.Sleep(want - time.Second)
				before := asked
				if send("probe"); asked != before {
					t.Errorf("probe %d is made before %s", i, want)
				}
				time.Sleep(time.Second + time.Millisecond)
				if send("probe"); asked != before+1 {
					t.Errorf("probe %d is not made after %s: %d requests", i, want, asked-before)
				}
			}
			answer = Answer{Fate: Accepted, Tried: true}
			time.Sleep(most + time.Second)
			send("probe")
		}
	})
}

// TestRestThatGrows: so it is with an address, which others do not rest with.
func TestRestThatGrows(t *testing.T) {
	const wait, most = 30 * time.Second, 2 * time.Minute
	bubble(t, standard, func(t *testing.T, l *Line) {
		t.Helper()
		asked, answer := 0, Answer{Fate: Again, Wait: wait, Most: most, Tried: true, Code: "quota-device", Err: errSick}
		send := func() Answer {
			return l.Send(t.Context(), Call{Key: "t", Do: func(_ context.Context, answered func(Answer)) {
				asked++
				answered(answer)
			}})
		}
		busy := answer
		for range 2 {
			answer = busy
			for i, want := range []time.Duration{wait, 2 * wait, most, most} {
				a := send()
				if a.Wait < want || a.Wait > want+want/jitter {
					t.Errorf("answer %d asks to wait %s, want %s", i, a.Wait, want)
				}
				time.Sleep(want - time.Millisecond)
				before := asked
				if send(); asked != before {
					t.Errorf("after answer %d it is asked before %s", i, want)
				}
				time.Sleep(want/jitter + time.Second)
			}
			if answer = (Answer{Fate: Accepted, Tried: true}); send().Fate != Accepted {
				t.Error("it is not asked")
			}
		}
	})
}

// TestOneAsksAfterTheRest: when the time of a target has come, its messages do not
// all go at once: the first learns whether the target may be sent to again.
func TestOneAsksAfterTheRest(t *testing.T) {
	o := standard
	p := &provider{answer: func(n int, _ string) reply {
		if n <= 2 {
			return slow(5 * time.Second).late(10 * time.Millisecond)
		}
		return reply{latency: 10 * time.Millisecond}
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		start := time.Now()
		if a, err := p.send(t.Context(), l, "t", "android"); err != nil || a.Fate != Again {
			t.Fatalf("%+v, %v", a, err)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				for {
					a, err := p.send(t.Context(), l, "t", "android")
					if err != nil || a.Fate == Accepted {
						return
					}
					if !a.Tried && a.Wait <= 0 {
						t.Errorf("one who waits is told %+v", a)
					}
					time.Sleep(a.Wait)
				}
			})
		}
		all.Wait()
		if len(p.times) != 12 || len(l.resting.keys) != 0 {
			t.Errorf("%d requests for 11 messages, 2 refused; %d targets rest", len(p.times), len(l.resting.keys))
		}
		for i, least := range []time.Duration{0, 5 * time.Second, 10 * time.Second, 10*time.Second + 20*time.Millisecond} {
			if at := p.times[i].Sub(start); at < least {
				t.Errorf("request %d came after %s, before its time", i+1, at)
			}
		}
	})
}
