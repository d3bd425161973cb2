package fcm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// route says what handle would do about r, by the same steps up to the sending.
func (h *handler) route(ctx context.Context, r *push.Receipt) ([]push.Route, error) {
	made, skip := newTemplate(h.config, r, time.Now())
	if skip != 0 {
		return []push.Route{{Target: skip.target()}}, nil
	}
	devices, damaged, err := h.devices(ctx, r)
	if err != nil {
		return nil, err
	}
	tally := newTally(r)
	tally.wait(damaged)
	var routes []push.Route
	for _, t := range targets(made, r, devices, tally) {
		one, err := t.route(made, r)
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

// target is what becomes of a receipt that makes no messages.
func (r skipReason) target() push.Target {
	switch r {
	case expired:
		return push.Target{Result: push.ResultSkipped, Why: "the receipt has expired: it is older than time_to_live, or than Push-Expires says"}
	case unreadable:
		return push.Target{Result: push.ResultRejected, Why: errUnreadable.Error()}
	case unknownAction:
	}
	return push.Target{Result: push.ResultSkipped, Why: noAction}
}

// route is what would be sent to t.
func (t *target) route(made *template, r *push.Receipt) (push.Route, error) {
	silent, message := made.isSilent(), *t.render(made, r)
	message.Token = ""
	text, err := json.Marshal(&message)
	if err != nil {
		return push.Route{}, fmt.Errorf("write the message for %s: %w", t.name(), err)
	}
	one := push.Route{Target: push.Target{Device: t.device, Result: push.ResultAccepted}, Silent: silent, Message: text}
	if t.isChannel() {
		one.Channel = r.Channel
	} else {
		one.Silent = silent || r.To[t.device.User].Delivered > 0
	}
	return one, nil
}
