package device

import (
	"context"
	"errors"
	"fmt"
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
)

// loader gathers what many callers want to know into few reads of the store:
// while maxLoads reads are under way, who comes waits and is served, with all
// others who wait, by the next. Receipts for one user each cost a fraction of a
// round trip this way, and nobody waits on purpose.
type loader struct {
	read func(ctx context.Context, users []push.Uid) ([]reading, error)

	mu    sync.Mutex
	loads int
	next  *load
}

// load is one read and those who wait for it.
type load struct {
	users map[push.Uid]struct{}
	done  chan struct{}
	// found and err are for after done.
	found map[push.Uid]reading
	err   error
}

// load adds the devices of users that provider reaches to found; the error may be a
// [*push.UnreadableError] about some users. The read goes on if ctx ends, because others
// may wait for it.
func (l *loader) load(ctx context.Context, users []push.Uid, provider string, found map[push.Uid][]push.Device) error {
	mine := l.join(ctx, users)
	select {
	case <-mine.done:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the devices of %d users: %w", len(users), context.Cause(ctx))
	}
	if mine.err != nil {
		return mine.err
	}
	var damaged []push.Uid
	var why error
	for _, u := range users {
		answer := mine.found[u]
		if answer.err != nil {
			damaged, why = append(damaged, u), errors.Join(why, answer.err)
		} else if len(answer.list) > 0 {
			found[u] = answer.list.of(provider)
		}
	}
	if why != nil {
		return &push.UnreadableError{Users: damaged, Err: why}
	}
	return nil
}

// join returns the load that will read users.
func (l *loader) join(ctx context.Context, users []push.Uid) *load {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.next
	if mine == nil {
		mine = &load{users: make(map[push.Uid]struct{}, len(users)), done: make(chan struct{})}
	}
	for _, u := range users {
		mine.users[u] = struct{}{}
	}
	if l.loads == maxLoads {
		l.next = mine
		return mine
	}
	l.loads++
	go l.run(context.WithoutCancel(ctx), mine)
	return mine
}

// run reads first and then whatever waits, until nothing does.
func (l *loader) run(ctx context.Context, first *load) {
	for current := first; current != nil; {
		l.serve(ctx, current)
		l.mu.Lock()
		if current, l.next = l.next, nil; current == nil {
			l.loads--
		}
		l.mu.Unlock()
	}
}

func (l *loader) serve(ctx context.Context, current *load) {
	defer close(current.done)
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
