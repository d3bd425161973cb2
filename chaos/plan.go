package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pushworker/pushworker/chaos/link"
)

// fault is what can be done to the system.
type fault string

// The faults. Those with a length are undone after it; a process that was killed
// is started again.
const (
	killWorker    fault = "worker kill -9"
	replaceWorker fault = "worker SIGTERM, successor first"
	restartWorker fault = "worker SIGTERM"
	freezeWorker  fault = "worker SIGSTOP"
	killBroker    fault = "broker kill -9"
	killLeader    fault = "leader kill -9"
	restartBroker fault = "broker SIGTERM"
	freezeBroker  fault = "broker SIGSTOP"
	cutLink       fault = "cut"
	scriptFake    fault = "provider"
	treatFake     fault = "connections"
	revokeTokens  fault = "tokens revoked"
	fillDisk      fault = "disk full"
	fillRetries   fault = "retry stream full"
	fillLetters   fault = "dead-letter stream full"
	moveWorker    fault = "clock of worker"
	moveBroker    fault = "clock of broker"
	loseDurable   fault = "durable deleted"

	loseDurableUnseen fault = "durable deleted while no worker runs"
	abandonDurable    fault = "durable abandoned"
	mistakeKey        fault = "wrong VAPID key"
	loseBucket        fault = "devices lost"
)

// step is one fault of a schedule.
type step struct {
	at   time.Duration // since the load began
	do   fault
	who  int // which worker or broker
	long time.Duration
	how  string // a direction, a script, or a treatment
	name string // of how, when it is long
}

func (s step) String() string {
	text := fmt.Sprintf("%6.2fs  %s", s.at.Seconds(), s.do)
	who := []fault{killWorker, replaceWorker, restartWorker, freezeWorker, killBroker, restartBroker, freezeBroker, cutLink, moveWorker, moveBroker}
	if slices.Contains(who, s.do) {
		text += fmt.Sprintf(" %d", s.who)
	}
	if how := cmp.Or(s.name, s.how); how != "" {
		text += " " + how
	}
	if s.long > 0 {
		text += fmt.Sprintf(" for %.2fs", s.long.Seconds())
	}
	return text
}

// calm is how long the load runs before the first fault and after the last.
const calm = time.Second

// planner makes schedules. The same seed makes the same.
type planner struct {
	*rand.Rand
	scale scale
}

// seededPlanner depends on the scenario's name too, so that a scenario has the same
// schedule whichever others run.
func seededPlanner(seed uint64, scenario string, s scale) *planner {
	var h uint64 = 14695981039346656037 // FNV-1a
	for _, c := range []byte(scenario) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return &planner{Rand: rand.New(rand.NewPCG(seed, h)), scale: s} //nolint:gosec // a schedule is no secret
}

// between is a random length.
func (p *planner) between(least, most time.Duration) time.Duration {
	return least + time.Duration(p.Int64N(int64(most-least)+1))
}

// every makes a step for each interval of the load, somewhere in its first half.
func (p *planner) every(interval time.Duration, next func(i int) step) []step {
	var steps []step
	for at := calm; at+interval <= p.scale.load-calm; at += interval {
		s := next(len(steps))
		s.at = at + p.between(0, interval/2)
		steps = append(steps, s)
	}
	return steps
}

// once makes one step early in the load, of a length of about long.
func (p *planner) once(s step, long time.Duration) step {
	s.at = calm + p.between(0, time.Second)
	s.long = p.between(long*9/10, long*11/10)
	return s
}

// inTurn are interval's steps of one kind, over n targets in random order.
func (p *planner) inTurn(do fault, n int, interval, least, most time.Duration) []step {
	first := p.IntN(n)
	return p.every(interval, func(i int) step {
		return step{do: do, who: (first + i) % n, long: p.between(least, most)}
	})
}

// direction is a random one.
func (p *planner) direction() string {
	all := []link.Direction{link.Both, link.ToBroker, link.ToWorker}
	return string(all[p.IntN(len(all))])
}

// merge sorts steps by time.
func merge(lists ...[]step) []step {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return all
}
