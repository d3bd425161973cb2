package topology

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
)

// UnseenAfter is after how much silence of its workers nobody is taken to run a
// lane; they say every shownEvery that they do.
const UnseenAfter = 3 * shownEvery

// Lane is a lane by its durables.
type Lane struct {
	Name string
	// Durables are in the order of [Topology.Durables]; nil for one that is missing.
	Durables []*jetstream.ConsumerInfo
	// Abandoned says that no worker runs the lane: nobody has asked for its receipts, and
	// no worker has recorded for 30 s that it runs it.
	Abandoned bool
}

// Others are the lanes of t's streams that are not among t.Handlers, by name, whoever
// made them. It needs $JS.API.CONSUMER.LIST of PUSH, and of PUSH_RETRY for lanes that
// have left only retries.
func Others(ctx context.Context, c *broker.Conn, t Topology) ([]Lane, error) {
	infos, err := otherInfos(ctx, c, t)
	if err != nil || len(infos) == 0 {
		return nil, err
	}
	records, err := recorded(ctx, c, t)
	if _, denied := errors.AsType[*broker.DeniedError](err); err != nil && !denied {
		return nil, err
	}
	lanes := make([]Lane, 0, len(infos))
	for _, name := range slices.Sorted(maps.Keys(infos)) {
		l := Lane{Name: name, Durables: infos[name]}
		l.Abandoned = !slices.ContainsFunc(t.Each(), func(shard Topology) bool { return l.served(records[shard.PositionKey(name)]) })
		lanes = append(lanes, l)
	}
	return lanes, nil
}

// otherInfos are the durables of lanes that are not among t.Handlers, by lane.
func otherInfos(ctx context.Context, c *broker.Conn, t Topology) (map[string][]*jetstream.ConsumerInfo, error) {
	lanes := make(map[string][]*jetstream.ConsumerInfo)
	streams := append(t.ReceiptStreams(), t.RetryStream())
	for i, stream := range streams {
		durables, err := c.Durables(ctx, stream)
		if _, denied := errors.AsType[*broker.DeniedError](err); i > 0 && (denied || errors.Is(err, jetstream.ErrStreamNotFound)) {
			continue // the durables of the first stream tell the most
		}
		if err != nil {
			return nil, err
		}
		for _, info := range durables {
			name, place := laneOf(info.Config.Durable, i, i == len(streams)-1)
			if lanes[name] == nil {
				lanes[name] = make([]*jetstream.ConsumerInfo, len(streams)+1)
			}
			lanes[name][place] = info
		}
	}
	maps.DeleteFunc(lanes, func(name string, _ []*jetstream.ConsumerInfo) bool { return slices.Contains(t.Handlers, name) })
	return lanes, nil
}

// laneOf is the lane whose durable it is, and its place among its durables. stream is the
// place of the stream, of which the last has the retries.
func laneOf(durable string, stream int, retries bool) (lane string, place int) {
	if of, alone := strings.CutSuffix(durable, SuspectsName); alone && retries {
		return of, stream + 1
	}
	return durable, stream
}

// served reports whether somebody runs the lane.
func (l Lane) served(p position) bool {
	var now time.Time
	for _, info := range l.Durables {
		if info == nil {
			continue
		}
		if info.NumWaiting > 0 || info.PushBound {
			return true
		}
		now = info.TimeStamp
	}
	return !p.Left && now.Sub(p.written) < UnseenAfter
}
