package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// unseenAfter is after how much silence of its workers nobody is taken to run a
// lane; they say every shownEvery that they do.
const unseenAfter = 3 * shownEvery

// OtherLanes are the lanes of t's streams that are not among t.Handlers, by name,
// whoever made them. Those that nobody runs are abandoned: nobody has asked for
// their receipts, and no worker has recorded for 30 s that it runs them. It needs
// $JS.API.CONSUMER.LIST of PUSH, and of PUSH_RETRY for lanes that have left only
// retries.
func (c *Conn) OtherLanes(ctx context.Context, t Topology) ([]LaneStats, error) {
	lanes, _, err := c.otherLanes(ctx, t)
	return lanes, err
}

// otherLanes also counts the durables of those that are abandoned.
func (c *Conn) otherLanes(ctx context.Context, t Topology) (lanes []LaneStats, abandoned int, err error) {
	infos, err := c.otherInfos(ctx, t)
	if err != nil || len(infos) == 0 {
		return nil, 0, err
	}
	records, err := c.recorded(ctx, t)
	if _, denied := errors.AsType[*DeniedError](err); err != nil && !denied {
		return nil, 0, err
	}
	for name, of := range infos {
		lane, err := c.statsOf(ctx, t, name, of)
		if err != nil {
			return nil, 0, err
		}
		if lane.Abandoned = !of.served(records[t.positionKey(name)]); lane.Abandoned {
			abandoned += of.count()
		}
		lanes = append(lanes, lane)
	}
	slices.SortFunc(lanes, func(a, b LaneStats) int { return cmp.Compare(a.Handler, b.Handler) })
	return lanes, abandoned, nil
}

// otherInfos are the durables of lanes that are not among t.Handlers, by lane.
func (c *Conn) otherInfos(ctx context.Context, t Topology) (map[string]laneInfos, error) {
	lanes := make(map[string]laneInfos)
	for i, stream := range []string{t.Stream, t.retryStream()} {
		durables, err := c.durablesOf(ctx, stream)
		if _, denied := errors.AsType[*DeniedError](err); i > 0 && (denied || errors.Is(err, jetstream.ErrStreamNotFound)) {
			break // the durables of the receipts tell the most
		}
		if err != nil {
			return nil, err
		}
		for _, info := range durables {
			name, place := laneOf(info.Config.Durable, i)
			if !slices.Contains(t.Handlers, name) {
				lane := lanes[name]
				lane[place] = info
				lanes[name] = lane
			}
		}
	}
	return lanes, nil
}

// laneOf is the lane whose durable it is, and its place in laneInfos. stream is 0 for
// the receipts and 1 for the retries.
func laneOf(durable string, stream int) (lane string, place int) {
	if of, alone := strings.CutSuffix(durable, suspectsName); alone && stream == 1 {
		return of, 2
	}
	return durable, stream
}

// count is how many durables there are.
func (of laneInfos) count() int {
	n := 0
	for _, info := range of {
		if info != nil {
			n++
		}
	}
	return n
}

// served reports whether somebody runs the lane.
func (of laneInfos) served(p position) bool {
	var now time.Time
	for _, info := range of {
		if info == nil {
			continue
		}
		if info.NumWaiting > 0 || info.PushBound {
			return true
		}
		now = info.TimeStamp
	}
	return !p.Left && now.Sub(p.written) < unseenAfter
}

// addAbandoned adds the abandoned lanes to s. Who may not list durables does without.
func (c *Conn) addAbandoned(ctx context.Context, t Topology, s *Stats) error {
	if c.mayNotList.Load() {
		return nil
	}
	others, abandoned, err := c.otherLanes(ctx, t)
	if _, denied := errors.AsType[*DeniedError](err); denied {
		c.mayNotList.Store(true)
		return nil
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // whoever asks for the streams tells
	}
	s.AbandonedDurables = abandoned
	for _, lane := range others {
		if lane.Abandoned {
			s.Lanes = append(s.Lanes, lane)
		}
	}
	return err
}
