package channel

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// roundUsers is how many users are looked at together, so that one request is for
	// many of their devices.
	roundUsers = 500
	// sweepEvery is how often everybody is looked at, whatever was told, and
	// sweepUntoldEvery where changes of devices may go untold.
	sweepEvery, sweepUntoldEvery = time.Hour, 15 * time.Minute
	// requestsAtOnce is how many requests are open to the provider at a time.
	requestsAtOnce = 8
	// writesAtOnce is how many records are written at a time.
	writesAtOnce = 32
)

// Devices are the directory of devices, as a [Keeper] needs it. One that is no [Claims],
// and whose changes may go untold, is [device.Foreign].
type Devices interface {
	Current(ctx context.Context, users []push.Uid) ([]device.Current, error)
	Gone(ctx context.Context, d push.Device, asOf time.Time, reason string) error
}

// Claims are Devices that know whose a token is; [device.Directory] is one.
type Claims interface {
	Devices
	Holders(ctx context.Context, devices []push.Device) ([]push.Uid, error)
}

// Keeper has the devices of the members of channels subscribed by one handler, and those
// of others unsubscribed. One may run at a time for a handler, in all processes.
type Keeper struct {
	// Handler is the handler's name, and Channels what it brings.
	Handler  string
	Channels *push.Channels
	Store    device.Store
	Devices  Devices
	// Counted is told of subscriptions that were asked for, by their result; may be nil.
	Counted func(result push.Result, member bool, n int)
	Log     zerolog.Logger

	once    sync.Once
	queue   *queue
	holding *holding       // of a Run whose Devices are no Claims
	limited zerolog.Logger // a few lines a minute

	mu       sync.Mutex
	problem  string
	failures int
}

// Report is how it stands with the subscriptions of one handler.
type Report struct {
	// Waiting is how many users have devices that are still to be subscribed or
	// unsubscribed, and Since since when the first waits.
	Waiting int       `json:"waiting"`
	Since   time.Time `json:"since,omitzero"`
	// Problem is why the provider was last not able to; empty if it was, or if nobody waits.
	Problem string `json:"problem,omitempty"`
}

// Report says how it stands.
func (k *Keeper) Report() Report {
	k.once.Do(k.init)
	n, since := k.queue.size()
	k.mu.Lock()
	defer k.mu.Unlock()
	if n == 0 {
		return Report{}
	}
	return Report{Waiting: n, Since: since, Problem: k.problem}
}

func (k *Keeper) init() {
	k.queue = newQueue()
	k.limited = k.Log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute})
}

// Changed tells that something was written about a user, with these revisions; 0 for
// none.
func (k *Keeper) Changed(user push.Uid, members, devices uint64) {
	k.once.Do(k.init)
	k.queue.add(user, members, devices, time.Now())
}

// Rest is told that another process goes on.
func (k *Keeper) Rest() {
	k.once.Do(k.init)
	k.queue.clear()
	k.failed(nil)
}

// Run looks at everybody, then at those of whom it is told, and from time to time at
// everybody again, until ctx ends; then it returns nil. An error is the store's, after
// which another Run begins anew.
func (k *Keeper) Run(ctx context.Context) error {
	k.once.Do(k.init)
	every := sweepEvery
	if _, ok := k.Devices.(Claims); !ok {
		var err error
		if k.holding, err = k.readHolding(ctx); err != nil {
			return unlessEnded(ctx, err)
		}
		every = sweepUntoldEvery
	}
	for ctx.Err() == nil {
		if err := k.sweep(ctx); err != nil {
			return unlessEnded(ctx, err)
		}
		if err := k.serveUntil(ctx, time.Now().Add(every)); err != nil {
			return unlessEnded(ctx, err)
		}
	}
	return nil
}

// serveUntil looks at those of whom something is told.
func (k *Keeper) serveUntil(ctx context.Context, end time.Time) error {
	for ctx.Err() == nil && time.Now().Before(end) {
		next, err := k.serve(ctx)
		if err != nil {
			return err
		}
		k.queue.wait(ctx, min(next, time.Until(end)))
	}
	return nil
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to stop
	}
	return err
}

// serve looks at those of whom something was told, and at those whose turn it is again,
// until there is none. It returns when the next is due.
func (k *Keeper) serve(ctx context.Context) (next time.Duration, err error) {
	for ctx.Err() == nil {
		users, next := k.queue.take(roundUsers, time.Now())
		if len(users) == 0 {
			return next, nil
		}
		if err := k.work(ctx, users); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// work does a round, and pauses if the provider has failed it.
func (k *Keeper) work(ctx context.Context, users map[push.Uid]waiting) error {
	r := &round{Keeper: k, states: make(map[push.Uid]*state)}
	provider, err := r.run(ctx, users)
	if err != nil {
		return err
	}
	now := time.Now()
	for user := range r.states {
		if r.states[user].left {
			k.queue.again(user, now)
		} else {
			k.queue.settle(user, users[user])
		}
	}
	if ctx.Err() == nil && r.asked && k.failed(provider) {
		_ = sleep.For(ctx, pauseAfter(k.failures)) // the caller sees that ctx has ended
	}
	return nil
}

// failed notes how the provider did, and reports whether it failed.
func (k *Keeper) failed(err error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		if k.failures > 0 {
			k.Log.Info().Str("handler", k.Handler).Msg("devices are subscribed to channels again")
		}
		k.problem, k.failures = "", 0
		return false
	}
	if k.failures == 0 {
		k.Log.Warn().Err(err).Str("handler", k.Handler).Msg("devices cannot be subscribed to channels; this is tried again")
	}
	k.problem = err.Error()
	k.failures++
	return true
}
