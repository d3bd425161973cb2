package line

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// provider answers calls as told, and keeps their times.
type provider struct {
	mu     sync.Mutex
	answer func(n int, key string) reply // to the n-th request
	times  []time.Time
}

// reply is an answer; the zero one accepts.
type reply struct {
	Answer
	latency time.Duration
}

func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.times)
}

// ask makes one request.
func (p *provider) ask(ctx context.Context, l *Line, key string) Answer {
	p.mu.Lock()
	p.times = append(p.times, time.Now())
	var r reply
	if p.answer != nil {
		r = p.answer(len(p.times), key)
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	if err := waitFor(ctx, r.latency); err != nil {
		return NoAnswer(err)
	}
	if r.Fate == 0 {
		r.Fate = Accepted
	}
	if !r.unprocessed { // of which it says itself that nobody was asked
		r.Tried = true
	}
	return r.Answer
}

// waitFor waits for d, or until ctx ends. It makes no timer for nothing: a channel timer that
// is due already runs in the goroutine that asks, and two at once in one bubble crash the
// race detector (https://go.dev/issue/78156).
func waitFor(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send sends one message. The error is that of an answer which is none.
func (p *provider) send(ctx context.Context, l *Line, key, group string) (Answer, error) {
	c := Call{Key: key, Public: strings.HasPrefix(key, "/topics/"), Do: func(ctx context.Context, answered func(Answer)) {
		go func() { answered(p.ask(ctx, l, key)) }()
	}}
	if group != "" {
		c.Group = l.Group(group)
	}
	a := l.Send(ctx, c)
	if errors.Is(a.Err, ErrDown) || errors.Is(a.Err, ErrInterrupted) && !a.Tried {
		return Answer{}, a.Err
	}
	return a, nil
}

// standard is a line as most tests have it.
var standard = Options{Name: "FCM", InFlight: 100, Timeout: sendTimeout}

const sendTimeout = 15 * time.Second

// bubble runs f in a synctest bubble.
func bubble(t *testing.T, o Options, f func(t *testing.T, l *Line)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, New(o)) })
}

// The answers that speak of more than their address.
var (
	thirdParty     = reply{Answer: Answer{Fate: Again, Scope: OfGroup, Wait: GroupWait, Closed: true, Innocent: true, Err: errors.New("third party")}}
	quotaOfProject = reply{Answer: Answer{Fate: Again, Scope: All, Wait: 37 * time.Second, Closed: true, Innocent: true, Err: errors.New("quota")}}
	down503        = reply{Answer: Answer{Fate: Again, Scope: All, Code: "http-503", Err: errors.New("unavailable")}}
	refused        = reply{Answer: Answer{Fate: Again, Scope: All, Closed: true, Innocent: true, Err: errors.New("unauthenticated")}}
	foreign        = reply{Answer: Answer{Fate: Again, Scope: All, Innocent: true, Code: "http-405", Err: errors.New("a proxy's")}}
	reset          = reply{Answer: NoAnswer(errors.New("connection reset"))}
	unprocessed    = reply{Answer: Exchange{Err: errors.New("refused stream"), Unprocessed: true}.NoAnswer()}
	silence        = reply{latency: time.Hour}
)

// slow is an answer that its address gets too much.
func slow(wait time.Duration) reply {
	return reply{Answer: Answer{Fate: Again, Wait: wait, Code: "quota-device", Err: errors.New("slow down")}}
}

// after is r with that Retry-After.
func (r reply) after(wait time.Duration) reply {
	r.Wait = wait
	return r
}

// late is r after some time.
func (r reply) late(latency time.Duration) reply {
	r.latency = latency
	return r
}
