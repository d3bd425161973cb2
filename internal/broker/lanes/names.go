package lanes

import (
	"context"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Names returns the handlers that have a durable on t's stream, sorted,
// whoever runs them and whether or not they are configured here. It needs
// $JS.API.CONSUMER.LIST of the stream.
func Names(ctx context.Context, c *broker.Conn, t topology.Topology) ([]string, error) {
	durables, err := c.Durables(ctx, t.Stream) // a lane has one in each stream of receipts
	if err != nil {
		return nil, err
	}
	var names []string
	for _, info := range durables {
		if name := info.Config.Durable; name != "" && !strings.HasSuffix(name, topology.SuspectsName) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// IsName reports whether the broker could have a lane of that name.
func IsName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return s != ""
}
