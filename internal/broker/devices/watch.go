package devices

import (
	"context"
	"errors"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/bucket"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
)

// watchPause spaces the attempts to watch, doubled from the first to the second.
const minWatchPause, maxWatchPause = time.Second, time.Minute

// watch tells the directory's cache of changes made elsewhere until ctx ends. When
// it begins to watch, again, what is cached is forgotten; while it cannot watch,
// the cache's TTL bounds how old an answer is.
func (d *Directory) watch(ctx context.Context) {
	pause := minWatchPause
	for failed := false; ; {
		err := d.follow(ctx, func() {
			if failed {
				d.log.Info().Msg("watching device changes again")
			}
			failed, pause = false, minWatchPause
		})
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, broker.ErrReconnected) {
			continue
		}
		if !failed {
			d.log.Warn().Err(err).Msg("cannot watch device changes, so other workers' changes arrive late; retrying")
		}
		if sleep.For(ctx, pause) != nil {
			return
		}
		failed, pause = true, min(2*pause, maxWatchPause)
	}
}

// follow watches until something is amiss. It calls watching once it does; a mirror has
// read everybody before.
func (d *Directory) follow(ctx context.Context, watching func()) error {
	ctx, stop := d.conn.UntilReconnect(ctx)
	defer stop()
	from := bucket.FromNow
	if d.mirror {
		from = bucket.FromStored
	}
	feed, err := d.store.Feed(ctx, device.UserPrefix+"*", from)
	if err != nil {
		return err
	}
	defer feed.Close()
	d.own.Forget() // what was changed before the watcher was there
	defer d.own.Watched(false)
	for watched := false; ; {
		if !watched && feed.Left() == 0 {
			// A mirror asks nobody about users of whom it has not heard.
			if err := d.store.sameBucket(ctx); err != nil {
				return err
			}
			watched = true
			d.own.Watched(true)
			watching()
		}
		e, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		d.own.Learn(e)
	}
}
