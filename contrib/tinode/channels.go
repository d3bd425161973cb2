package tinode

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tinode/chat/server/store/types"

	client "github.com/pushworker/pushworker/pkg/publisher/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// channelLines carry wishes beside each other; those of one user are on one line.
	channelLines = 16
	// channelRoom is how many wishes wait on one line while workers are away.
	channelRoom = 4096
	// channelGrace is how long a stop goes on with those that wait.
	channelGrace = 3 * time.Second
	// wishAge is how long one wish holds up its line, and wishPause how long it waits
	// between two tries at most.
	wishAge, wishPause = 10 * time.Minute, 5 * time.Second
)

// subscriber subscribes users to channels; [client.Client] is one.
type subscriber interface {
	Subscribe(ctx context.Context, user push.Uid, channel string) error
	Unsubscribe(ctx context.Context, user push.Uid, channel string) error
}

// wish is that a user's devices are subscribed to a channel, or to all channels that
// the user reads if it names none.
type wish struct {
	user    types.Uid
	channel string
	unsub   bool
}

// channels carries wishes to the workers, those of one user in their order.
type channels struct {
	workers subscriber
	read    func(types.Uid) ([]string, error) // the channels that a user reads
	report  func(error)
	lines   [channelLines]chan wish
	lost    atomic.Int64
	running sync.WaitGroup
	ending  chan struct{} // closed by stop
	stopNow context.CancelFunc
}

// newChannels starts the lines; stop ends them.
func newChannels(workers subscriber, read func(types.Uid) ([]string, error), report func(error)) *channels {
	c := &channels{workers: workers, read: read, report: report, ending: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // Tinode's handlers have no context
	c.stopNow = cancel
	for i := range c.lines {
		c.lines[i] = make(chan wish, channelRoom)
		c.running.Go(func() { c.run(ctx, c.lines[i]) })
	}
	return c
}

// add takes a wish, without waiting. It is lost if its line has no room.
func (c *channels) add(w wish) {
	select {
	case c.lines[uint64(w.user)%channelLines] <- w:
	default:
		c.lost.Add(1)
		c.report(fmt.Errorf("channel subscription of %s is lost: %d wait already; are workers running?", w.user.UserId(), channelRoom))
	}
}

// stop carries on for at most channelGrace with what is waiting.
func (c *channels) stop() {
	close(c.ending)
	late := time.AfterFunc(channelGrace, c.stopNow)
	c.running.Wait()
	late.Stop()
	c.stopNow()
	if lost := c.lost.Load(); lost > 0 {
		c.report(fmt.Errorf("%d channel subscriptions were not carried out since the start", lost))
	}
}

// run carries out the wishes of one line.
func (c *channels) run(ctx context.Context, line <-chan wish) {
	for {
		select {
		case w := <-line:
			c.attempt(ctx, w)
		case <-c.ending:
			select {
			case w := <-line:
				c.attempt(ctx, w)
			default:
				return
			}
		}
	}
}

func (c *channels) attempt(ctx context.Context, w wish) {
	if err := c.carryOut(ctx, w); err != nil {
		c.lost.Add(1)
		if ctx.Err() == nil {
			c.report(fmt.Errorf("channel subscription of %s: %w", w.user.UserId(), err))
		}
	}
}

// carryOut tries until w is done, nobody can do it, or it has held up the line for too
// long.
func (c *channels) carryOut(ctx context.Context, w wish) error {
	ctx, cancel := context.WithTimeout(ctx, wishAge)
	defer cancel()
	names := []string{w.channel}
	if w.channel == "" {
		var err error
		if names, err = c.read(w.user); err != nil {
			return fmt.Errorf("read the channels of the user: %w", err)
		}
	}
	for _, name := range names {
		if err := c.insist(ctx, w, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *channels) insist(ctx context.Context, w wish, channel string) error {
	ask := c.workers.Subscribe
	if w.unsub {
		ask = c.workers.Unsubscribe
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, wishPause) {
		err := ask(ctx, push.Uid(w.user), channel)
		if err == nil || !client.Again(err) {
			return err //nolint:wrapcheck // it names the request
		}
		select {
		case <-time.After(rand.N(pause)): //nolint:gosec // jitter, not a secret
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}
