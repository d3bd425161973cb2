package device_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

var errDied = errors.New("the process has died")

// change is what one process of a play does.
type change func(context.Context, *device.Directory) error

// play is what several processes do at once with a store in some state.
type play struct {
	before []change
	at     []change
	// owners has who is to own token x when the process of at has ended well and
	// nothing has claimed it since; nil where something removes it.
	owners []push.Uid
}

// process is one that runs a change, and waits at each access to the store until
// it may have it.
type process struct {
	store  *device.Memory
	waits  chan struct{} // holds a value while the process waits
	mayGo  chan bool     // false: die
	dead   bool
	done   bool
	result error
}

func (p *process) access() error {
	if p.dead {
		return errDied
	}
	p.waits <- struct{}{}
	if p.dead = !<-p.mayGo; p.dead {
		return errDied
	}
	return nil
}

func (p *process) Read(ctx context.Context, keys []string) ([]device.Entry, error) {
	if err := p.access(); err != nil {
		return nil, err
	}
	return p.store.Read(ctx, keys)
}

func (p *process) Write(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := p.access(); err != nil {
		return 0, err
	}
	return p.store.Write(ctx, key, value, revision)
}

func (p *process) Scan(ctx context.Context, prefix string) iter.Seq2[device.Keyed, error] {
	return p.store.Scan(ctx, prefix)
}

// choice is one decision of a schedule: which of several.
type choice struct{ taken, of int }

// schedules runs check for schedules of p, every one or those that preempt a
// process at most so many times. With kill, each process dies at each access once.
func (p play) schedules(t *testing.T, preemptions int, kill bool, check func(*device.Memory, []*process)) (runs int) {
	t.Helper()
	var path []choice
	for more := true; more && !t.Failed(); runs++ {
		synctest.Test(t, func(t *testing.T) { path = p.run(t, path, preemptions, kill, check) })
		// The next path: take the next option of the last decision that has one.
		more = false
		for i := len(path) - 1; i >= 0 && !more; i-- {
			if path[i].taken+1 < path[i].of {
				path = append(path[:i:i], choice{path[i].taken + 1, path[i].of})
				more = true
			}
		}
	}
	return runs
}

// run plays p once, along path and then with the first option of each decision,
// and returns the whole path.
func (p play) run(t *testing.T, path []choice, preemptions int, kill bool, check func(*device.Memory, []*process)) []choice {
	t.Helper()
	store := &device.Memory{}
	for _, c := range p.before {
		if err := c(t.Context(), device.New(store, device.Options{})); err != nil {
			t.Fatal(err)
		}
	}
	processes := make([]*process, len(p.at))
	for i, c := range p.at {
		proc := &process{store: store, waits: make(chan struct{}, 1), mayGo: make(chan bool)}
		processes[i] = proc
		go func() {
			proc.result = c(t.Context(), device.New(proc, device.Options{}))
			proc.done = true
		}()
	}
	step := 0
	decide := func(options int) int {
		if step == len(path) {
			path = append(path, choice{0, options})
		}
		step++
		return path[step-1].taken
	}
	last := -1
	for {
		time.Sleep(time.Second) // longer than any pause after a conflict
		synctest.Wait()
		wantSound(t, store)
		var ready []int
		for i, proc := range processes {
			if len(proc.waits) > 0 {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 {
			break
		}
		next := ready[0]
		if i := slices.Index(ready, last); i >= 0 {
			next = last // go on, unless preempted
			if preemptions > 0 && len(ready) > 1 {
				if n := decide(len(ready)); n > 0 {
					preemptions--
					next = ready[(i+n)%len(ready)]
				}
			}
		} else if len(ready) > 1 {
			next = ready[decide(len(ready))]
		}
		live := true
		if kill && decide(2) == 1 {
			kill, live = false, false
		}
		<-processes[next].waits
		processes[next].mayGo <- live
		last = next
	}
	check(store, processes)
	if t.Failed() {
		t.Logf("schedule: %v", path)
	}
	return path
}

// wantSound fails if a token is of two users, or of one whom its claim does not
// name.
func wantSound(t *testing.T, store *device.Memory) {
	t.Helper()
	seen := map[string]push.Uid{}
	for _, e := range scan(t, store, device.UserPrefix) {
		user := device.UserOf(e.Key)
		var devices []push.Device
		if err := json.Unmarshal(e.Value, &devices); err != nil {
			t.Fatal(err)
		}
		for _, d := range devices {
			key := device.TokenKey(d)
			if other, has := seen[key]; has && other != user {
				t.Errorf("token %s is of users %d and %d", d.Token, other, user)
			}
			seen[key] = user
			if !claimed(t, store, key, user) {
				t.Errorf("user %d has token %s, and its claim does not say so", user, d.Token)
			}
		}
	}
}

type claim struct {
	User string
	From []string
}

func claimOf(t *testing.T, store *device.Memory, key string) (c claim) {
	t.Helper()
	entries, err := store.Read(t.Context(), []string{key})
	if err != nil {
		t.Fatal(err)
	}
	if entries[0].Value != nil {
		if err := json.Unmarshal(entries[0].Value, &c); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func claimed(t *testing.T, store *device.Memory, key string, user push.Uid) bool {
	t.Helper()
	c := claimOf(t, store, key)
	return slices.Contains(append(c.From, c.User), user.String())
}
