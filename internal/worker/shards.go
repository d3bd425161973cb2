package worker

import (
	"context"
	"errors"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// shard is a stream of receipts that this process takes, and how far its lanes are there.
type shard struct {
	topology  topology.Topology
	positions *topology.Positions
}

// shards are those of t that this process takes.
func (w Worker) shards(conn *broker.Conn, t topology.Topology) []shard {
	var taken []shard
	for i, one := range t.Each() {
		if w.Config.Streams.Takes(i) {
			taken = append(taken, shard{one, topology.NewPositions(conn, one, w.Log)})
		}
	}
	return taken
}

// remaker makes a lane's durables of s anew, if the process may.
func (w Worker) remaker(s shard) queue.Remaker {
	if !w.Config.Provision {
		return nil
	}
	return s.positions
}

// bind binds what a lane pulls from: receipts of each shard, retries and suspects.
func (w Worker) bind(ctx context.Context, conn *broker.Conn, shards []shard, lane string) (all queue.Lane, fresh []consumer.Source, err error) {
	all, err = queue.Bind(ctx, conn, shards[0].topology, lane, w.remaker(shards[0]))
	if err != nil {
		return all, nil, err
	}
	sources := []*queue.Source{all.Fresh}
	for _, s := range shards[1:] {
		source, err := queue.BindFresh(ctx, conn, s.topology, lane, w.remaker(s))
		if err != nil {
			return all, nil, err
		}
		sources = append(sources, source)
	}
	for i, s := range shards {
		s.positions.Follow(lane, sources[i].Took)
		fresh = append(fresh, sources[i])
	}
	return all, fresh, nil
}

// keepers run beside the lanes: they record how far those are, and keep room in every
// stream of receipts, since one process may do it for all.
func (w Worker) keepers(conn *broker.Conn, t topology.Topology, shards []shard, shared *status.Shared) (all []func(context.Context) error) {
	for _, s := range shards {
		if len(w.Config.Streams.Taken) == 0 { // else the others may take other streams
			s.positions.When(shared.Mine)
		}
		all = append(all, s.positions.Run)
	}
	for _, one := range t.Each() {
		all = append(all, topology.NewJanitor(conn, one, janitorEvery, w.Log).When(shared.Mine).Run)
	}
	return all
}

// storing is why the broker does not store, as far as the positions show.
func storing(shards []shard) error {
	var errs []error
	for _, s := range shards {
		errs = append(errs, s.positions.Ready())
	}
	return errors.Join(errs...)
}
