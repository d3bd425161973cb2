package channels

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/bucket"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// minPause and maxPause space the attempts to follow the changes, doubled each time.
const minPause, maxPause = time.Second, time.Minute

// Keep has the subscriptions of k's handler kept by this process or another, one at a time,
// until ctx ends; then it returns nil. k's Store, Devices and Log are set.
func (d *Directory) Keep(ctx context.Context, k *channel.Keeper, registered *devices.Directory) error {
	return d.keep(ctx, k, registered, d.holder(k.Handler, k.Report))
}

func (d *Directory) keep(ctx context.Context, k *channel.Keeper, registered *devices.Directory, h *holder) error {
	k.Store, k.Devices, k.Log = d.bucket, registered, d.log
	if own := registered.Own(); own != nil {
		k.Devices = own // which knows whose a token is
	}
	for h.acquire(ctx) == nil {
		d.log.Info().Str("handler", k.Handler).Msg("this process keeps the subscriptions to channels")
		h.hold(ctx, func(ctx context.Context) { d.follow(ctx, k, registered) })
		k.Rest()
	}
	return nil
}

// follow has k keep up with all changes until ctx ends.
func (d *Directory) follow(ctx context.Context, k *channel.Keeper, registered *devices.Directory) {
	pause := minPause
	for ctx.Err() == nil {
		began := time.Now()
		err := d.followOnce(ctx, k, registered)
		if ctx.Err() != nil || errors.Is(err, broker.ErrReconnected) {
			continue
		}
		if time.Since(began) > maxPause {
			pause = minPause
		}
		d.log.Warn().Err(err).Str("handler", k.Handler).Msg("cannot follow who is in channels, so subscriptions wait; retrying")
		_ = sleep.For(ctx, pause) // the loop sees that ctx has ended
		pause = min(2*pause, maxPause)
	}
}

// followOnce follows until something is amiss. The feeds begin before everybody is looked
// at, so that nothing is missed between.
func (d *Directory) followOnce(ctx context.Context, k *channel.Keeper, registered *devices.Directory) error {
	ctx, stop := d.bucket.Conn.UntilReconnect(ctx)
	defer stop()
	members, err := d.bucket.Feed(ctx, channel.MemberPrefix+"*", bucket.FromNow)
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	defer members.Close()
	lists, end, err := registered.Changes(ctx, func(user push.Uid, revision uint64) { k.Changed(user, 0, revision) })
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	defer end()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return tell(ctx, members, k) })
	group.Go(func() error { return lists(ctx) })
	group.Go(func() error { return k.Run(ctx) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("following channels and devices: %w", err)
	}
	return context.Cause(ctx)
}

// tell tells k of a feed of members until something is amiss.
func tell(ctx context.Context, f *bucket.Feed, k *channel.Keeper) error {
	for {
		e, err := f.Next(ctx)
		if err != nil {
			return err //nolint:wrapcheck // it says all
		}
		if user := channel.MemberOf(e.Key); user != 0 {
			k.Changed(user, e.Revision, 0)
		}
	}
}
