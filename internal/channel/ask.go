package channel

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/pkg/push"
)

// wish is one device that is to be subscribed, or unsubscribed.
type wish struct {
	of     *state
	device push.Device
}

// ask asks for what is missing, or for what is too much, of the states that are not left.
// It returns why the provider could not be asked; what was not asked for is left then.
func (r *round) ask(ctx context.Context, states []*state, member bool) error {
	wishes := make(map[string][]wish)
	for _, s := range states {
		if s.skip {
			continue
		}
		if member {
			s.missing(wishes)
		} else {
			s.tooMuch(wishes)
		}
	}
	a := &asking{round: r, member: member}
	var group errgroup.Group
	group.SetLimit(requestsAtOnce)
	for channel, all := range wishes {
		for some := range slices.Chunk(all, r.Channels.Batch) {
			group.Go(func() error {
				a.request(ctx, channel, some)
				return nil
			})
		}
	}
	_ = group.Wait() // asking has the errors
	return a.failure()
}

// missing adds what the provider may not have.
func (s *state) missing(wishes map[string][]wish) {
	for _, channel := range s.want.Channels {
		for _, d := range s.devices {
			if !s.record.Has.has(channel, d.Token) {
				wishes[channel] = append(wishes[channel], wish{s, d})
			}
		}
	}
}

// tooMuch adds what the provider may have and shall not.
func (s *state) tooMuch(wishes map[string][]wish) {
	for _, channel := range s.record.May.Channels {
		for _, token := range s.record.May.Tokens {
			if !s.want.has(channel, token) {
				wishes[channel] = append(wishes[channel], wish{s, push.Device{User: s.user, Token: token}})
			}
		}
	}
}

// asking is the requests of one kind of a round.
type asking struct {
	*round

	member bool

	mu  sync.Mutex
	err error // of the provider, the first
}

func (a *asking) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// request makes one request. After the provider has failed one no other is made.
func (a *asking) request(ctx context.Context, channel string, wishes []wish) {
	if a.failure() != nil || ctx.Err() != nil {
		a.leave(wishes, nil)
		return
	}
	devices := make([]push.Device, len(wishes))
	for i, w := range wishes {
		devices[i] = w.device
	}
	sent := time.Now()
	answers, err := a.Channels.Set(ctx, channel, a.member, devices)
	if _, never := errors.AsType[*push.PermanentError](err); never {
		a.refused(len(wishes), err)
		return
	}
	if err != nil {
		a.count(push.ResultRetried, len(wishes))
		a.leave(wishes, err)
		return
	}
	for i, t := range answers {
		a.settle(ctx, wishes[i], sent, t)
	}
}

// settle draws from an answer what is to be done about a device.
func (a *asking) settle(ctx context.Context, w wish, sent time.Time, t push.Target) {
	switch t.Result {
	case push.ResultGone:
		if a.member { // else it goes anyhow
			a.forget(ctx, w.device, sent, t.Why)
			a.leave([]wish{w}, nil)
		}
	case push.ResultRetried:
		a.leave([]wish{w}, nil)
	case push.ResultRejected:
		a.refused(0, errors.New(t.Why))
	case push.ResultAccepted, push.ResultSkipped:
	}
	a.count(t.Result, 1)
}

// leave leaves users for later; err is the provider's, if it has failed.
func (a *asking) leave(wishes []wish, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range wishes {
		w.of.left = true
	}
	if a.err == nil {
		a.err = err
	}
}

// refused tells of what will never be done, and is not tried again until the user's
// channels or devices change.
func (a *asking) refused(n int, err error) {
	a.count(push.ResultRejected, n)
	a.limited.Warn().Err(err).Str("handler", a.Handler).Bool("subscribe", a.member).Msg("a device cannot be subscribed to a channel or unsubscribed")
}

func (a *asking) count(result push.Result, n int) {
	if a.Counted != nil && n > 0 {
		a.Counted(result, a.member, n)
	}
}
