package devices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
)

// watchPause spaces the attempts to watch, doubled from the first to the second.
const minWatchPause, maxWatchPause = time.Second, time.Minute

// watchHeartbeat is how often the broker says that there is no change; twice as long
// a silence ends the watch.
const watchHeartbeat = 5 * time.Second

// watch tells the directory's cache of changes made elsewhere until ctx ends. When
// it begins to watch, again, what is cached is forgotten; while it cannot watch,
// the cache's TTL bounds how old an answer is.
func (d *Directory) watch(ctx context.Context) {
	pause := minWatchPause
	for failed := false; ; failed = true {
		err := d.follow(ctx, func() {
			if failed {
				d.log.Info().Msg("watching device changes again")
			}
			failed, pause = false, minWatchPause
		})
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errReconnected) {
			failed = false
			continue
		}
		if !failed {
			d.log.Warn().Err(err).Msg("cannot watch device changes, so other workers' changes arrive late; retrying")
		}
		if sleep.For(ctx, pause) != nil {
			return
		}
		pause = min(2*pause, maxWatchPause)
	}
}

var errReconnected = errors.New("the connection to the broker was replaced")

// follow watches until something is amiss. It calls watching once it does; a mirror has
// read everybody before.
func (d *Directory) follow(ctx context.Context, watching func()) error {
	ctx, stop := d.untilReconnect(ctx)
	defer stop()
	from := jetstream.DeliverNewPolicy
	if d.mirror {
		from = jetstream.DeliverAllPolicy
	}
	consumer, err := d.store.consumer(ctx, "watch", device.UserPrefix+"*", from, 0)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(scanBatch), jetstream.PullHeartbeat(watchHeartbeat))
	if err != nil {
		return fmt.Errorf("watching bucket %s: %w", wire.DevicesBucket, err)
	}
	defer messages.Stop()
	d.Forget() // what was changed before the watcher was there
	defer d.Watched(false)
	left := uint64(0)
	if d.mirror {
		left = consumer.CachedInfo().NumPending
	}
	for next := uint64(1); ; next++ {
		if left == 0 {
			d.Watched(true)
			watching()
		}
		var e device.Keyed
		if e, left, err = nextKey(ctx, messages, next); err != nil {
			return fmt.Errorf("watching bucket %s: %w", wire.DevicesBucket, err)
		}
		d.Learn(e)
	}
}

// untilReconnect returns a context that ends with errReconnected when the
// connection is replaced, because the broker may have sent changes to the old one.
func (d *Directory) untilReconnect(ctx context.Context) (context.Context, func()) {
	back := d.conn.NextReconnect()
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-back:
			cancel(errReconnected)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
