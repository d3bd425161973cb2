package route

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/pushworker/pushworker/pkg/push"
)

// unclaimed tells the devices of a receipt's users that no handler takes, and that are
// in no line of a handler. That the directory cannot be asked the handlers have told.
func (r *routing) unclaimed(ctx context.Context, receipt located, directory push.Directory) {
	users := slices.Sorted(maps.Keys(receipt.To))
	if len(users) == 0 {
		return
	}
	found, _ := directory.Devices(ctx, users, "")
	for _, user := range users {
		for _, d := range slices.SortedStableFunc(slices.Values(found[user]), func(a, b push.Device) int { return cmp.Compare(a.ID, b.ID) }) {
			if why, hint := r.config.Handlers.Unclaimed(d); why != "" {
				d.User = user
				r.add(r.line(routeLine{Receipt: receipt.where}, push.Route{Target: push.Target{Device: d, Result: push.ResultSkipped, Why: why + ": " + hint}}))
			}
		}
	}
}
