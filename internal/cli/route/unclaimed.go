package route

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/pushworker/pushworker/internal/doctor"
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
			if d.User = user; !r.reaches(d) {
				why, hint := doctor.Untaken(r.config, d, r.address)
				r.add(r.line(routeLine{Receipt: receipt.where}, push.Route{Target: push.Target{Device: d, Result: push.ResultSkipped, Why: why + ": " + hint}}))
			}
		}
	}
}

// reaches reports whether an enabled handler takes d.
func (r *routing) reaches(d push.Device) bool {
	for _, h := range r.config.Handlers {
		if doctor.Reaches(h.Type, r.handlers[h.Name], d) {
			return true
		}
	}
	return false
}
