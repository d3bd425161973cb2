package fanout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Route is [push.Work.Route]: it says what Handle would do about r, by the same steps
// up to the sending.
func (f *Fanout[M]) Route(ctx context.Context, r *push.Receipt) ([]push.Route, error) {
	made, err := f.way.Prepare(r, time.Now())
	switch {
	case err != nil:
		return []push.Route{{Target: refused(err)}}, nil
	case made == nil:
		return []push.Route{{Target: f.nothing()}}, nil
	}
	devices, damaged, err := f.devices(ctx, r)
	if err != nil {
		return nil, err
	}
	tally := newTally(r)
	tally.wait(damaged)
	var routes []push.Route
	tally.aside = tally.skip
	all := f.targets(made, r, devices, tally)
	for i := range all {
		one, err := f.route(made, r, &all[i])
		if err != nil {
			return nil, err
		}
		routes = append(routes, one)
	}
	for _, item := range tally.items {
		routes = append(routes, push.Route{Target: item})
	}
	if len(routes) == 0 {
		routes = append(routes, push.Route{Target: push.Target{Result: push.ResultSkipped, Why: "the receipt addresses nobody"}})
	}
	slices.SortStableFunc(routes, func(a, b push.Route) int {
		return cmp.Or(cmp.Compare(a.Device.User, b.Device.User), cmp.Compare(a.Device.ID, b.Device.ID))
	})
	return routes, nil
}

// refused is what becomes of a receipt that makes no messages because of err.
func refused(err error) push.Target {
	if errors.Is(err, push.ErrExpired) {
		return push.Target{Result: push.ResultSkipped, Why: "the receipt has expired: it is older than time_to_live, or than Push-Expires says"}
	}
	return push.Target{Result: push.ResultRejected, Why: err.Error()}
}

// route is what would be sent to t.
func (f *Fanout[M]) route(made Renderer[M], r *push.Receipt, t *target[M]) (push.Route, error) {
	message := t.render(made, r)
	text, err := f.way.Text(message)
	if err != nil {
		return push.Route{}, fmt.Errorf("write the message for %s: %w", name(t.device), err)
	}
	one := push.Route{Target: push.Target{Device: t.device, Result: push.ResultAccepted}, Message: text}
	one.Silent = made.Silent(message, r.To[t.device.User])
	if t.isChannel() {
		one.Channel = r.Channel
	}
	return one, nil
}
