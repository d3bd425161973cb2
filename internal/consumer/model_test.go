package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// plan is a receipt and what its handler will say of it, run by run; when it has
// said all it says the last again, which is to deliver unless Stubborn.
type plan struct {
	Users     int
	Says      []saying
	Stubborn  bool
	TTL       time.Duration
	Malformed bool
	Topic     int
	Read      bool
}

// saying is what a handler does with a receipt.
type saying string

const (
	delivers      saying = "delivers"
	fails         saying = "fails"
	panics        saying = "panics"
	isPermanent   saying = "permanent"
	retriesAfter  saying = "retry after"
	isUnavailable saying = "unavailable"
	notStarted    saying = "not started"
	rests         saying = "rests" // for long, and was not started
	isSlow        saying = "slow"
	half          saying = "half"            // of the users, and the others fail
	halfPermanent saying = "half, permanent" // and the others are refused
	oneRefused    saying = "one refused"     // and the others fail
)

func sayings() []saying {
	return []saying{
		delivers, fails, panics, isPermanent, retriesAfter, isUnavailable, notStarted, rests, isSlow, half, halfPermanent, oneRefused,
	}
}

// next is what the handler says in its nth run, from 0.
func (p plan) next(n int) saying {
	switch {
	case n < len(p.Says):
		return p.Says[n]
	case p.Stubborn:
		return fails
	}
	return delivers
}

// users are those of the receipt with sequence root.
func (p plan) users(root uint64) map[push.Uid]push.Recipient { return users([]byte(p.text(root))) }

func (p plan) text(root uint64) string {
	if p.Malformed {
		return "{"
	}
	text := receipt(int(root), p.Users)
	text = strings.ReplaceAll(text, `"unread":1`, fmt.Sprintf(`"unread":%d`, root))
	text = strings.ReplaceAll(text, "grpX", fmt.Sprintf("grp%d", p.Topic))
	if p.Read {
		text = strings.ReplaceAll(text, `"msg"`, `"read"`)
	}
	return text
}

// step is one thing that happens in a program, and the time until the next.
type step struct {
	Do      action
	N       int
	Publish []plan
	Wait    time.Duration
}

type action string

const (
	publishes  action = "publish"
	waits      action = "wait"
	starts     action = "start a process"
	stops      action = "stop a process"
	kills      action = "kill a process"
	killsLater action = "kill a process after it has stored"
	killsLast  action = "kill a process before it acks"
	forgets    action = "forget acks"
	outage     action = "provider down or up"
	refuses    action = "stores refuse or take"
	fills      action = "retries reach their limit or not"
	crams      action = "letters are full or not"
	shrinks    action = "messages of several users are too large or not"
	balks      action = "handlers not ready or ready"
)

func actions() []action {
	return []action{
		publishes, publishes, waits, starts, stops, kills, killsLater, killsLast, forgets, outage, refuses, fills, crams, shrinks, balks,
	}
}

func plans() *rapid.Generator[plan] {
	return rapid.Custom(func(t *rapid.T) plan {
		return plan{
			Users:     rapid.IntRange(1, 4).Draw(t, "users"),
			Says:      rapid.SliceOfN(rapid.SampledFrom(sayings()), 0, 5).Draw(t, "says"),
			Stubborn:  rapid.IntRange(0, 9).Draw(t, "stubborn") == 9,
			TTL:       rapid.SampledFrom([]time.Duration{0, 0, 0, 20 * time.Second, 10 * time.Minute}).Draw(t, "ttl"),
			Malformed: rapid.IntRange(0, 19).Draw(t, "malformed") == 19,
			Topic:     rapid.IntRange(0, 1).Draw(t, "topic"),
			Read:      rapid.IntRange(0, 4).Draw(t, "read") == 4,
		}
	})
}

func steps() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		s := step{
			Do:   rapid.SampledFrom(actions()).Draw(t, "do"),
			N:    rapid.IntRange(0, 7).Draw(t, "n"),
			Wait: rapid.SampledFrom([]time.Duration{0, time.Millisecond, 200 * time.Millisecond, 3 * time.Second, modelWait + time.Second, 5 * time.Minute}).Draw(t, "wait"),
		}
		if s.Do == publishes {
			s.Publish = rapid.SliceOfN(plans(), 1, 8).Draw(t, "publish")
		}
		return s
	})
}

// TestModel runs random programs of what can happen to receipts, handlers,
// processes, stores and acks, and checks a ledger kept outside of them: nothing is
// acknowledged before its outcome, every receipt ends, no more attempts are made
// and counted than there are, and nobody is told twice unless something broke. Go
// on with `go test -run TestModel ./internal/consumer -rapid.checks=20000`.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		program := rapid.SliceOfN(steps(), 1, 20).Draw(r, "program")
		var broken string
		synctest.Test(t, func(*testing.T) {
			w := newWorld()
			w.startProcess()
			for _, s := range program {
				w.do(s)
				_ = sleep.For(context.Background(), s.Wait)
			}
			w.settle()
			w.finished()
			broken = w.broken()
		})
		if broken != "" {
			r.Fatal(broken)
		}
	})
}

func (w *world) do(s step) {
	switch s.Do {
	case publishes:
		for _, p := range s.Publish {
			root := uint64(len(w.fresh.items) + 1) // only this goroutine adds to it
			w.publish(root, p)
			w.fresh.add(p.text(root), consumer.Origin{}, 0)
		}
	case starts:
		w.startProcess()
	case stops:
		w.one(s.N, func(p *process) { p.stop() })
	case kills:
		w.one(s.N, (*process).die)
	case killsLater:
		w.one(s.N, func(p *process) { p.doomed.Store(afterStoring) })
	case killsLast:
		w.one(s.N, func(p *process) { p.doomed.Store(beforeAcking) })
	case forgets:
		w.forget([]*memStream{w.fresh, w.retries, w.suspects}[s.N%3], 1+s.N)
	case outage:
		w.down.Store(!w.down.Load())
	case refuses:
		w.refuse.Store(!w.refuse.Load())
	case fills:
		w.full.Store(!w.full.Load())
	case crams:
		w.cramped.Store(!w.cramped.Load())
	case shrinks:
		w.small.Store(!w.small.Load())
	case balks:
		w.unready.Store(!w.unready.Load())
	case waits:
	}
}

// one picks a process.
func (w *world) one(n int, f func(*process)) { f(w.processes[n%len(w.processes)]) }

func (w *world) planOf(r *push.Receipt) plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fates[uint64(r.Payload.SeqId)].plan
}

// handle is the handler of every process. Only what it enters in the ledger has
// reached the provider.
func (p *process) handle(ctx context.Context, r *push.Receipt) error {
	p.world.mu.Lock()
	f := p.fates[uint64(r.Payload.SeqId)]
	says := f.plan.next(f.runs)
	f.runs++
	f.failing = false
	if fault := p.orderLog.handles(r); fault != "" {
		p.fault("%v: %s", f.plan, fault)
	}
	p.world.mu.Unlock()
	if says == isSlow {
		select {
		case <-time.After(2*ackWait + time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	switch {
	case p.dead.Load():
		return push.ErrNotStarted // nobody hears it
	case p.down.Load() || says == isUnavailable:
		return push.Unavailable(errFault)
	case says == notStarted:
		return push.ErrNotStarted
	case says == rests:
		f.failing = true // it may expire at once if it would rest too long
		return resting(20 * time.Minute)
	case says == delivers || says == isSlow:
		for user := range r.To {
			p.deliver(f, user)
		}
		return nil
	}
	p.fail(f)
	return p.failure(f, says, r)
}

// failure is the error of a run that is an attempt, after what part of it went out.
func (p *process) failure(f *fate, says saying, r *push.Receipt) error { // holds the ledger
	if says == panics {
		panic("model")
	}
	whole := map[saying]error{
		fails: errFault, isPermanent: push.Permanent(errFault), retriesAfter: push.RetryAfter(errFault, 30*time.Second),
	}
	if err := whole[says]; err != nil {
		return err
	}
	if len(r.To) < 2 {
		return errFault
	}
	rest := &push.Undelivered{To: map[push.Uid]push.Recipient{}, Err: errFault}
	n := 0
	for user, recipient := range r.To { // any order
		n++
		switch {
		case says == oneRefused && n == 1:
			rest.Rejected = errors.New(refusedUser + user.String())
		case says != oneRefused && n <= len(r.To)/2:
			p.deliver(f, user)
		default:
			rest.To[user] = recipient
		}
	}
	if says == halfPermanent {
		rest.Err = push.Permanent(errFault)
	}
	return rest
}

// String shows a plan in a fault.
func (p plan) String() string {
	return strings.ReplaceAll(fmt.Sprintf("%d users, %q, stubborn %v, ttl %v, malformed %v, topic %d, read %v",
		p.Users, p.Says, p.Stubborn, p.TTL, p.Malformed, p.Topic, p.Read), "\n", " ")
}
