package devices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/bucket"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// changed is the event of a chat server whose users' devices have changed.
type changed struct {
	Users []string `json:"users"`
}

var errChanged = errors.New(`it is not of the form {"users":["usr…"]}: correct what publishes it`)

// hearChanges subscribes to the chat server's word that devices have changed, so that
// nobody has to wait until the chat server is asked again. It may not come.
func (d *Directory) hearChanges(changed func(...push.Uid)) (*nats.Subscription, error) {
	few := d.log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute})
	sub, err := d.conn.NATS().Subscribe(wire.DevicesChanged, func(m *nats.Msg) {
		users, err := readChanged(m.Data)
		if err != nil {
			few.Warn().Err(err).Str("subject", m.Subject).Msg("event of the chat server cannot be read; what the cache knows stays until it is too old")
			return
		}
		changed(users...)
	})
	if err != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", wire.DevicesChanged, err)
	}
	return sub, nil
}

// forgetUnheard empties the cache, until ctx ends, whenever the chat server may have told of
// changes that did not arrive: before the broker had the subscription, and while the connection
// was away.
func (d *Directory) forgetUnheard(ctx context.Context) {
	for ctx.Err() == nil {
		connected, stop := d.conn.UntilReconnect(ctx)
		for {
			if _, err := d.conn.RoundTrip(connected); err == nil { // which ends after the subscription
				d.foreign.Forget()
				<-connected.Done()
			}
			if sleep.For(connected, minWatchPause) != nil {
				break
			}
		}
		stop()
	}
}

// Changes begins to say whose devices have changed, with the revision of the list, or 0
// where the chat server keeps the devices: it is not sure to say all then. Run tells
// changed until something is amiss or ctx ends; end must be called.
func (d *Directory) Changes(ctx context.Context, changed func(user push.Uid, revision uint64)) (run func(context.Context) error, end func(), err error) {
	if d.foreign == nil {
		return d.listChanges(ctx, changed)
	}
	sub, err := d.hearChanges(func(users ...push.Uid) {
		for _, u := range users {
			changed(u, 0)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.conn.RoundTrip(ctx); err != nil { // until the broker has the subscription
		_ = sub.Unsubscribe() // fails without a connection only
		return nil, nil, err
	}
	run = func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}
	return run, func() { _ = sub.Unsubscribe() }, nil // fails without a connection only
}

// listChanges are the Changes of the bucket.
func (d *Directory) listChanges(ctx context.Context, changed func(user push.Uid, revision uint64)) (run func(context.Context) error, end func(), err error) {
	lists, err := d.store.Feed(ctx, device.UserPrefix+"*", bucket.FromNow)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // it says all
	}
	run = func(ctx context.Context) error {
		for {
			e, err := lists.Next(ctx)
			if err != nil {
				return err //nolint:wrapcheck // it says all
			}
			if user := device.UserOf(e.Key); user != 0 {
				changed(user, e.Revision)
			}
		}
	}
	return run, lists.Close, nil
}

func readChanged(data []byte) ([]push.Uid, error) {
	var read changed
	if err := json.Unmarshal(data, &read); err != nil || read.Users == nil {
		return nil, errChanged
	}
	users := make([]push.Uid, len(read.Users))
	for i, text := range read.Users {
		user, err := push.ParseUid(text)
		if err != nil {
			return nil, fmt.Errorf("users[%d]: %w", i, err)
		}
		users[i] = user
	}
	return users, nil
}
