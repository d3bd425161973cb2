package broker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

const (
	// keepEvery is how often a lane's position is recorded when it has changed, and
	// with it how many receipts come again when a durable is deleted while no worker
	// runs that settled them.
	keepEvery = time.Second
	// shownEvery is how often it is recorded though it has not, so that others see
	// that somebody runs the lane.
	shownEvery = 10 * time.Second
)

// Keeper records how far the lanes of this process are, in the bucket push-lanes,
// so that a durable that somebody deletes is made anew where it was. Any number of
// processes may run one for the same lanes.
type Keeper struct {
	conn     *Conn
	topology Topology
	log      zerolog.Logger
	last     map[string]position // as this process wrote it last
	failed   bool                // and said so
	trouble  atomic.Pointer[error]
}

// Ready returns why the broker stored no position, though it could be asked: its disk
// is full or read-only, or its store has stopped after that. What it does not store
// of positions it does not store of receipts.
func (k *Keeper) Ready() error {
	if err := k.trouble.Load(); err != nil {
		return fmt.Errorf("%w: see the broker's disk and log; after a write error a JetStream store needs a restart of the broker", *err)
	}
	return nil
}

// Keeper returns the keeper of t's lanes.
func (c *Conn) Keeper(t Topology, log zerolog.Logger) *Keeper {
	return &Keeper{conn: c, topology: t, log: log, last: make(map[string]position)}
}

// Run records until ctx ends, and then notes that this process runs the lanes no
// more. It returns nil: lanes work without. What the broker forbids it says once.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		err := k.keep(ctx, false)
		if denied, ok := errors.AsType[*DeniedError](err); ok {
			k.log.Warn().Err(denied).Msg("positions of lanes are not recorded by this process: allow it to write to $KV." + lanesBucket + ".>, see deploy/permissions")
			<-ctx.Done()
			return nil
		}
		if err != nil && ctx.Err() == nil && !k.failed {
			k.log.Warn().Err(err).Msg("positions of lanes could not be recorded; trying again every second. " +
				"Is the bucket missing, run once with PUSHWORKER_PROVISION=true")
		}
		k.failed = err != nil
		k.note(err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return k.leave(context.WithoutCancel(ctx))
		}
	}
}

// note remembers an error that says that the broker does not store. A bucket that is
// missing says nothing about that.
func (k *Keeper) note(err error) {
	if err == nil || errors.Is(err, jetstream.ErrNoStreamResponse) || !k.conn.Connected() {
		k.trouble.Store(nil)
		return
	}
	k.trouble.Store(&err)
}

// leave records the last positions. That nobody runs a lane any more is seen in a
// while, too, if it cannot be written.
func (k *Keeper) leave(ctx context.Context) error {
	if !k.conn.Connected() {
		return nil
	}
	if err := k.keep(ctx, true); err != nil {
		k.log.Debug().Err(err).Msg("the last positions of lanes were not recorded")
	}
	return nil
}

// keep records the positions that are news.
func (k *Keeper) keep(ctx context.Context, left bool) error {
	stream, err := k.conn.streamInfo(ctx, k.topology.Stream)
	if err != nil {
		return nil //nolint:nilerr // readiness tells of it
	}
	var errs []error
	for _, lane := range k.topology.Handlers {
		info, err := k.conn.consumerInfo(ctx, k.topology.Stream, lane)
		if err != nil {
			continue // readiness tells of it, and a lane whose durable is gone makes it anew
		}
		p := positionOf(info, stream.Created)
		p.Left = left
		errs = append(errs, k.write(ctx, lane, p, info))
	}
	return errors.Join(errs...)
}

// write records one position if it is news.
func (k *Keeper) write(ctx context.Context, lane string, p position, info *jetstream.ConsumerInfo) error {
	key := k.topology.positionKey(lane)
	k.conn.positions.learn(key, p)
	last, p2 := k.last[key], p
	last.written = time.Time{}
	if last == p2 && info.TimeStamp.Sub(k.last[key].written) < shownEvery {
		return nil
	}
	if err := k.conn.record(ctx, key, p); err != nil {
		return err
	}
	p.written = info.TimeStamp
	k.last[key] = p
	return nil
}
