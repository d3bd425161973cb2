package status

import (
	"context"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// OtherLanes are those of [Others], with what they hold.
func OtherLanes(ctx context.Context, c *broker.Conn, t topology.Topology) ([]LaneStats, error) {
	others, err := topology.Others(ctx, c, t)
	if err != nil {
		return nil, err
	}
	var lanes []LaneStats
	for _, other := range others {
		lane, err := statsOf(ctx, c, t, other.Name, other.Durables)
		if err != nil {
			return nil, err
		}
		lane.Abandoned = other.Abandoned
		lanes = append(lanes, lane)
	}
	return lanes, nil
}
