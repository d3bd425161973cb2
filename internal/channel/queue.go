package channel

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// firstRetry and lastRetry bound the pause before something is tried again.
	firstRetry, lastRetry = time.Second, 5 * time.Minute
	// behind is how often a read may be older than what was told to be written.
	behind = 8
)

// waiting is a user with whom something is to be done.
type waiting struct {
	since, due time.Time
	tries      int
	// members and devices are revisions that must have been read.
	members, devices uint64
	// told is how often something was told: what a chat server says has no revision.
	told  int
	taken bool
}

// queue has the users with whom something is to be done.
type queue struct {
	mu    sync.Mutex
	users map[push.Uid]*waiting
	wake  chan struct{} // holds one, so that whoever adds does not wait
}

func newQueue() *queue {
	return &queue{users: make(map[push.Uid]*waiting), wake: make(chan struct{}, 1)}
}

// add adds a user of whom this was written.
func (q *queue) add(user push.Uid, members, devices uint64, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.users[user]
	if w == nil {
		w = &waiting{since: now}
		q.users[user] = w
	}
	w.members, w.devices = max(w.members, members), max(w.devices, devices)
	w.told++
	if w.due, w.tries = now, 0; w.taken {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take takes up to n users who are due, and for how long nobody is if there are none.
func (q *queue) take(n int, now time.Time) (taken map[push.Uid]waiting, next time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken, next = make(map[push.Uid]waiting), lastRetry
	for user, w := range q.users {
		if left := w.due.Sub(now); left > 0 {
			next = min(next, left)
			continue
		}
		w.taken = true
		if taken[user] = *w; len(taken) == n {
			break
		}
	}
	return taken, next
}

// settle is told that nothing is left to do with a user, as far as that was known when
// the user was taken.
func (q *queue) settle(user push.Uid, as waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.users[user]
	if w == nil {
		return
	}
	if w.taken = false; w.told == as.told {
		delete(q.users, user)
	}
}

// again is told that something is left to do with a user.
func (q *queue) again(user push.Uid, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.users[user]
	if w == nil {
		w = &waiting{since: now}
		q.users[user] = w
	}
	w.taken = false
	w.due = now.Add(pauseAfter(w.tries))
	w.tries++
}

// clear forgets everybody.
func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.users)
}

// size is how many users wait, and since when the first does.
func (q *queue) size() (n int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.users {
		if since.IsZero() || w.since.Before(since) {
			since = w.since
		}
	}
	return len(q.users), since
}

// pauseAfter is the pause after so many failures before: doubled each time, and half of
// it at random.
func pauseAfter(failures int) time.Duration {
	pause := min(firstRetry<<min(failures, 16), lastRetry)
	return pause/2 + rand.N(pause/2) //nolint:gosec // a jitter needs no secrecy
}

// wait waits until somebody is added, and no longer than this.
func (q *queue) wait(ctx context.Context, most time.Duration) {
	if most <= 0 {
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-q.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}
