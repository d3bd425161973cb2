package topology

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
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

// Ready returns why the broker stored no position, though it could be asked: its disk
// is full or read-only, or its store has stopped after that. What it does not store
// of positions it does not store of receipts.
func (p *Positions) Ready() error {
	if err := p.trouble.Load(); err != nil {
		return fmt.Errorf("%w: see the broker's disk and log; after a write error a JetStream store needs a restart of the broker", *err)
	}
	return nil
}

// Run records until ctx ends, and then notes that this process runs the lanes no
// more. It returns nil: lanes work without. What the broker forbids it says once.
func (p *Positions) Run(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		err := p.Record(ctx, false)
		if denied, ok := errors.AsType[*broker.DeniedError](err); ok {
			p.log.Warn().Err(denied).Msg("lane positions are not recorded: allow this process to write to $KV." + wire.LanesBucket + ".>, see deploy/permissions")
			<-ctx.Done()
			return nil
		}
		if err != nil && ctx.Err() == nil && !p.failed {
			p.log.Warn().Err(err).Msg("cannot record lane positions; retrying every second: " +
				"if the bucket is missing, run `pushworker provision`")
		}
		p.failed = err != nil
		p.note(err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return p.leave(context.WithoutCancel(ctx))
		}
	}
}

// note remembers an error that says that the broker does not store. A bucket that is
// missing says nothing about that.
func (p *Positions) note(err error) {
	if err == nil || errors.Is(err, jetstream.ErrNoStreamResponse) || !p.conn.Connected() {
		p.trouble.Store(nil)
		return
	}
	p.trouble.Store(&err)
}

// leave records the last positions. That no worker runs a lane any more is seen in a
// while, too, if it cannot be written.
func (p *Positions) leave(ctx context.Context) error {
	if !p.conn.Connected() {
		return nil
	}
	if err := p.Record(ctx, true); err != nil {
		p.log.Debug().Err(err).Msg("cannot record the last positions of the lanes")
	}
	return nil
}

// Record records the positions that are news; left says that this process runs the
// lanes no more.
func (p *Positions) Record(ctx context.Context, left bool) error {
	due := slices.DeleteFunc(slices.Clone(p.topology.Handlers), func(lane string) bool { return !left && !p.due(lane) })
	if len(due) == 0 {
		return nil
	}
	stream, err := p.conn.StreamInfo(ctx, p.topology.Receipts())
	if err != nil {
		return nil //nolint:nilerr // readiness tells of it
	}
	var errs []error
	for _, lane := range due {
		info, err := p.conn.ConsumerInfo(ctx, p.topology.Receipts(), lane)
		if err != nil {
			continue // readiness tells of it, and a lane whose durable is gone makes it anew
		}
		at := positionOf(info, stream.Created)
		at.Left = left
		p.open[lane], p.looked[lane] = info.NumAckPending > 0, time.Now()
		errs = append(errs, p.write(ctx, lane, at, info))
	}
	return errors.Join(errs...)
}

// write records the position of a lane if it is news.
func (p *Positions) write(ctx context.Context, lane string, at position, info *jetstream.ConsumerInfo) error {
	p.learn(lane, at)
	last := p.written[lane]
	shown := last.written
	last.written = time.Time{}
	if last == at && info.TimeStamp.Sub(shown) < shownEvery {
		return nil
	}
	if err := record(ctx, p.conn, p.topology, lane, at); err != nil {
		return err
	}
	at.written = info.TimeStamp
	p.written[lane] = at
	return nil
}
