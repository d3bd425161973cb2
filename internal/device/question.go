package device

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/pushworker/pushworker/pkg/push"
)

// question is what one caller wants to know, and the loads that say it.
type question struct {
	users    []push.Uid
	provider string
	found    map[push.Uid][]push.Device
	done     func(error)

	mine   *load // reads the users whom no other reads already
	others map[push.Uid]*load
	left   atomic.Int64 // how many of the loads have not ended
	over   atomic.Bool
	forget func() bool // the end of the context
}

// load adds the devices of users that provider reaches to found; the error may be a
// [*push.UnreadableError] about some users. The read goes on if ctx ends, because others
// may wait for it.
func (l *loader) load(ctx context.Context, users []push.Uid, provider string, found map[push.Uid][]push.Device) error {
	outcome := make(chan error, 1)
	l.find(ctx, users, provider, found, func(err error) { outcome <- err })
	return <-outcome
}

// find is load, and calls done once instead of waiting.
func (l *loader) find(ctx context.Context, users []push.Uid, provider string, found map[push.Uid][]push.Device, done func(error)) {
	q := &question{users: users, provider: provider, found: found, done: done}
	q.forget = context.AfterFunc(ctx, func() {
		if !q.over.Swap(true) {
			done(fmt.Errorf("waiting for the devices of %d users: %w", len(users), context.Cause(ctx)))
		}
	})
	l.join(ctx, q)
}

// read notes that one of the loads has ended.
func (q *question) read() {
	if q.left.Add(-1) == 0 && !q.over.Swap(true) {
		q.forget()
		q.done(q.answer())
	}
}

// answer adds to found what the loads have read.
func (q *question) answer() error {
	var damaged []push.Uid
	var why error
	for _, u := range q.users {
		from := q.mine
		if other, ok := q.others[u]; ok {
			from = other
		}
		if from.err != nil {
			return from.err
		}
		if answer := from.found[u]; answer.err != nil {
			damaged, why = append(damaged, u), errors.Join(why, answer.err)
		} else if len(answer.list) > 0 {
			q.found[u] = answer.list.of(q.provider)
		}
	}
	if why != nil {
		return &push.UnreadableError{Users: damaged, Err: why}
	}
	return nil
}
