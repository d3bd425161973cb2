package consumer_test

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// modelAttempts is the attempt budget of the model test, modelWait its AckWait.
const (
	modelAttempts = 4
	modelWait     = 20 * time.Second
)

// ledger is what the model test knows of every receipt, kept outside of the
// processes under test. A receipt owes each of its users a final outcome.
type ledger struct {
	mu     sync.Mutex
	fates  map[uint64]*fate // by root sequence
	faults []string
}

// fate is one receipt's.
type fate struct {
	plan plan
	born time.Time
	// final says what became of a user: "delivered", "letter", "expired" or "read
	// elsewhere".
	final      map[push.Uid]string
	deliveries map[push.Uid]int
	runs       int  // of the handler
	failures   int  // runs that must count as attempts
	failing    bool // the last run failed
	disturbed  int  // crashes and lost acks that hit it, and stops while it could not be stored
	malformed  bool // it has its letter
	parts      int  // that have budgets of their own, since it was too large to be stored in one
}

func (l *ledger) fault(format string, args ...any) { // holds mu
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

func (l *ledger) broken() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.faults, "\n")
}

// publish enters a receipt.
func (l *ledger) publish(root uint64, p plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fates[root] = &fate{plan: p, born: time.Now(), final: map[push.Uid]string{}, deliveries: map[push.Uid]int{}}
}

// deliver notes that the provider took the push for user. More than once is right
// only after a disturbance.
func (l *ledger) deliver(f *fate, user push.Uid) { // holds mu
	f.final[user] = "delivered"
	f.deliveries[user]++
	if f.deliveries[user] > 1+f.disturbed {
		l.fault("%v: user %d got it %d times after %d disturbances", f.plan, user, f.deliveries[user], f.disturbed)
	}
}

// fail notes a run that is an attempt and failed.
func (l *ledger) fail(f *fate) { // holds mu
	f.failures++
	f.failing = true
	if f.failures > modelAttempts*(1+f.disturbed)*max(1, f.parts) {
		l.fault("%v: attempt %d after %d disturbances is beyond the budget of %d", f.plan, f.failures, f.disturbed, modelAttempts)
	}
}

// disturb notes that something hit the receipt that excuses a duplicate.
func (l *ledger) disturb(root uint64) { // holds mu
	l.fates[root].disturbed++
}

// acked checks that an ack comes after the outcome: every user of the message
// is settled, or is owed by another message that is stored and not acked.
func (l *ledger) acked(root uint64, data []byte, elsewhere func(push.Uid) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.fates[root]
	for user := range users(data) {
		switch {
		case f.final[user] != "" || elsewhere(user):
		case f.plan.TTL > 0 && (f.failing || time.Since(f.born) >= f.plan.TTL):
			f.final[user] = "expired"
		case l.wasRead(root, user):
			f.final[user] = "read elsewhere"
		default:
			l.fault("%v: acknowledged before the outcome of user %d", f.plan, user)
		}
	}
	if f.plan.Malformed && !f.malformed && !elsewhere(0) {
		l.fault("%v: acknowledged before its letter", f.plan)
	}
}

// scheduled checks a retry.
func (l *ledger) scheduled(r consumer.Retry) { // holds mu
	f := l.fates[r.Origin.RootSeq]
	if r.Part != "" {
		f.parts = f.plan.Users
	}
	if r.Origin.Attempts > f.failures {
		l.fault("%v: a retry counts %d attempts of %d", f.plan, r.Origin.Attempts, f.failures)
	}
	if r.Origin.Attempts >= modelAttempts {
		l.fault("%v: a retry after %d attempts of %d", f.plan, r.Origin.Attempts, modelAttempts)
	}
}

// buried enters a letter. One for refused users names them in its error.
func (l *ledger) buried(letter letter) { // holds mu
	f := l.fates[letter.StreamSeq]
	switch {
	case letter.Reason == "malformed":
		f.malformed = true
		return
	case letter.Reason == "crash_loop" && f.disturbed == 0:
		l.fault("%v: buried as a crash loop, and nothing has crashed", f.plan)
	case letter.Attempts > f.failures:
		l.fault("%v: a letter counts %d attempts of %d", f.plan, letter.Attempts, f.failures)
	}
	named, one := strings.CutPrefix(letter.Error, refusedUser)
	for user := range users(letter.Data) {
		switch {
		case one && named != user.String():
		case f.final[user] == "":
			f.final[user] = "letter"
		case !one && f.disturbed == 0:
			l.fault("%v: a letter names user %d: %s", f.plan, user, f.final[user])
		}
	}
}

// finished checks that every receipt has ended.
func (l *ledger) finished() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for root, f := range l.fates {
		if f.plan.Malformed != f.malformed {
			l.fault("%v: malformed and its letter: %v", f.plan, f.malformed)
		}
		for user := range f.plan.users(root) {
			if f.final[user] == "" {
				l.fault("%v: user %d was never told", f.plan, user)
			}
		}
	}
}

// users are those of a receipt's bytes; none if it cannot be read.
func users(data []byte) map[push.Uid]push.Recipient {
	r, _, err := push.Decode(data, push.DefaultLimits())
	if err != nil {
		return nil
	}
	return r.To
}
