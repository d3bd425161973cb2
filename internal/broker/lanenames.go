package broker

import (
	"context"
	"slices"
	"strings"
)

// LaneNames returns the handlers that have a durable on t's stream, sorted,
// whoever runs them and whether or not they are configured here. It needs
// $JS.API.CONSUMER.LIST of the stream.
func LaneNames(ctx context.Context, c *Conn, t Topology) ([]string, error) {
	durables, err := c.Durables(ctx, t.Stream)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, info := range durables {
		if name := info.Config.Durable; name != "" && !strings.HasSuffix(name, suspectsName) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
