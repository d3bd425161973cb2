package device

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxLoads is how many reads of a [loader] may be under way.
	maxLoads = 4
	// loadTimeout bounds one of them.
	loadTimeout = 10 * time.Second
	// worthwhile is how many users must wait for a read to begin beside others: a read costs
	// the broker something of its own, which the users in it share; `bench -only devices`
	// shows how much. A read that takes longer than slow is not waited for.
	worthwhile = 256
	slow       = 100 * time.Millisecond
)

// loader gathers what many callers want to know into few reads of the store:
// while a read is under way, who comes waits and is served, with all others who
// wait, by the next. Receipts for one user each cost a fraction of a round trip
// this way.
//
// With share, a user who is being read is not read a second time meanwhile: who comes
// later gets the same answer. That answer may be older than a change made meanwhile,
// which forget must be told of.
type loader struct {
	read  func(ctx context.Context, users []push.Uid) ([]reading, error)
	share bool

	mu     sync.Mutex
	loads  int
	began  time.Time // the last of them
	next   *load
	shared map[push.Uid]*load // the newest read of each user that is under way
}

// load is one read and those who wait for it.
type load struct {
	users   map[push.Uid]struct{}
	waiting []*question // loader.mu guards it
	// found and err are for when it has ended.
	found map[push.Uid]reading
	err   error
}

// join has q wait for the load that will read its users, and for those of others that do
// already.
func (l *loader) join(ctx context.Context, q *question) {
	l.mu.Lock()
	defer l.mu.Unlock()
	users, others := l.unshared(q.users)
	q.others = others
	for other := range distinct(others) {
		other.waiting = append(other.waiting, q)
		q.left.Add(1)
	}
	if len(users) == 0 {
		return
	}
	mine := l.next
	if mine == nil {
		mine = &load{users: make(map[push.Uid]struct{}, len(users))}
	}
	for _, u := range users {
		mine.users[u] = struct{}{}
		if l.share {
			l.shared[u] = mine
		}
	}
	mine.waiting = append(mine.waiting, q)
	q.mine = mine
	q.left.Add(1)
	if !l.isTime(len(mine.users)) {
		l.next = mine
		return
	}
	l.next, l.began = nil, time.Now()
	l.loads++
	go l.run(context.WithoutCancel(ctx), mine)
}

// distinct are the loads of others.
func distinct(others map[push.Uid]*load) map[*load]struct{} {
	all := make(map[*load]struct{}, len(others))
	for _, other := range others {
		all[other] = struct{}{}
	}
	return all
}

// isTime reports whether a read of n users is to begin beside those under way. The caller
// holds mu.
func (l *loader) isTime(n int) bool {
	return l.loads == 0 || l.loads < maxLoads && (n >= worthwhile || time.Since(l.began) > slow)
}

// unshared returns those of users whom nobody reads, and who reads the others. The
// caller holds mu.
func (l *loader) unshared(users []push.Uid) (rest []push.Uid, others map[push.Uid]*load) {
	if !l.share {
		return users, nil
	}
	if l.shared == nil {
		l.shared = make(map[push.Uid]*load)
	}
	others = make(map[push.Uid]*load)
	for _, u := range users {
		if other, ok := l.shared[u]; ok {
			others[u] = other
		} else {
			rest = append(rest, u)
		}
	}
	return rest, others
}

// forget has those who come from now on not get what is being read of users, or of
// anybody without users.
func (l *loader) forget(users ...push.Uid) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(users) == 0 {
		clear(l.shared)
	}
	for _, u := range users {
		delete(l.shared, u)
	}
}

// run reads first and then whatever waits, until nothing does.
func (l *loader) run(ctx context.Context, first *load) {
	for current := first; current != nil; {
		l.serve(ctx, current)
		l.mu.Lock()
		if current, l.next, l.began = l.next, nil, time.Now(); current == nil {
			l.loads--
		}
		l.mu.Unlock()
	}
}

func (l *loader) serve(ctx context.Context, current *load) {
	defer l.served(current)
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	users := slices.AppendSeq(make([]push.Uid, 0, len(current.users)), maps.Keys(current.users))
	answers, err := l.read(ctx, users)
	if err != nil {
		current.err = err
		return
	}
	current.found = make(map[push.Uid]reading, len(users))
	for i, u := range users {
		current.found[u] = answers[i]
	}
}

// served tells those who wait for current.
func (l *loader) served(current *load) {
	for _, q := range l.end(current) {
		q.read()
	}
}

// end has nobody wait for current any more, and returns who did.
func (l *loader) end(current *load) []*question {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.share {
		for u := range current.users {
			if l.shared[u] == current {
				delete(l.shared, u)
			}
		}
	}
	return current.waiting
}
