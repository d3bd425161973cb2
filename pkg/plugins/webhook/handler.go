package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/fanout"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// provider is what devices call us.
const provider = "webhook"

// patience is the retry policy unless the config has another: the receiver may be down
// for a weekend (Standard Webhooks, "Retries": up to three days).
func patience() push.RetryConfig {
	return push.RetryConfig{Base: 5 * time.Second, Cap: 4 * time.Hour, MaxAge: 72 * time.Hour}
}

// New makes the handler. Its config is a [Config]. It asks directory for devices only if
// the config says so, and reports to it those that the receiver says are gone. Init does
// not wait for the network.
func New(directory push.Directory) push.Handler {
	return push.Adapt(func(jsonconf string) (push.Work, error) {
		c, err := parseConfig(jsonconf)
		if err != nil {
			return push.Work{}, err
		}
		common, _ := push.ParseCommon(jsonconf) // its faults are told by Adapt
		h := &handler{config: c, common: common, directory: directory, sender: newSender(c)}
		return push.Work{
			Handle: h.handle, Check: h.check, Probe: h.probe, Route: h.route, State: h.sender.state,
			Classes: line.Classes(), Measure: h.sender.line.Measure, Retry: patience(),
			Close: h.sender.close, Concurrency: c.MaxInFlight,
		}, nil
	})
}

type handler struct {
	config    *Config
	common    push.Common
	directory push.Directory
	sender    *sender
}

// handle posts r. Its error is what the lane shall do.
func (h *handler) handle(ctx context.Context, r *push.Receipt) error {
	targets, damaged, err := h.targets(ctx, r)
	switch {
	case err != nil:
		return err
	case len(targets) == 0 && len(damaged) == 0:
		r.Tally(push.Targets{Skipped: 1})
		return nil
	case len(targets) == 0:
		return fanout.Settle(r, damaged)
	}
	body, err := h.config.body(r, withTokens(targets))
	if err != nil {
		return push.Permanent(err)
	}
	sent := time.Now()
	x, a := h.sender.post(ctx, id(r), r, body)
	if a.Fate != line.Accepted {
		return fanout.Settle(r, append(damaged, all(targets, a)...))
	}
	says, err := readReport(x)
	if err != nil {
		return fanout.Settle(r, append(damaged, all(targets, line.Answer{Fate: line.Again, Tried: true, Code: "unreadable", Err: err})...))
	}
	return fanout.Settle(r, append(damaged, h.results(ctx, r, targets, says, x.RetryAfter(sent), sent)...))
}

// id is the value of webhook-id, the same in every attempt.
func id(r *push.Receipt) string {
	if id := r.Delivery().ID(); id != "" {
		return id
	}
	return rand.Text() // it comes from no queue, so there is one attempt
}

// targets are whom r is to be told to: the users' devices if the config wants them, else
// each user, and the channel as a device without a user. Who has the packet is left out.
// damaged are the users whose devices cannot be read: they come again, and stop nobody.
func (h *handler) targets(ctx context.Context, r *push.Receipt) (all []push.Device, damaged []fanout.Result, err error) {
	if r.Channel != "" {
		all = append(all, push.Device{})
	}
	if !h.config.Devices {
		for user := range r.To {
			all = append(all, push.Device{User: user})
		}
		return all, nil, nil
	}
	devices, err := h.directory.Devices(ctx, slices.Collect(maps.Keys(r.To)), provider)
	unreadable, isPart := errors.AsType[*push.UnreadableError](err)
	switch {
	case isPart:
		for _, user := range unreadable.Users {
			damaged = append(damaged, fanout.Result{Device: push.Device{User: user}, Answer: line.Answer{Fate: line.Again, Tried: true, Err: err}})
		}
	case err != nil:
		return nil, nil, push.DirectoryUnavailable(fmt.Errorf("look up devices: %w", err))
	}
	for user, to := range r.To {
		all = h.appendMine(all, user, to, devices[user])
	}
	return all, damaged, nil
}

// appendMine adds the devices of a user that are ours and have not got the packet.
func (h *handler) appendMine(all []push.Device, user push.Uid, to push.Recipient, devices []push.Device) []push.Device {
	for _, d := range devices {
		d.User = user
		if d.Provider == provider && h.common.Takes(d) && !fanout.Named(to.Devices, d) && !slices.Contains(to.Devices, d.Token) {
			all = append(all, d)
		}
	}
	return all
}

// withTokens are those of the targets that are devices.
func withTokens(targets []push.Device) []push.Device {
	return slices.DeleteFunc(slices.Clone(targets), func(d push.Device) bool { return d.Token == "" })
}

// all has the same answer for all targets.
func all(targets []push.Device, a line.Answer) []fanout.Result {
	results := make([]fanout.Result, len(targets))
	for i, d := range targets {
		results[i] = fanout.Result{Device: d, Answer: a}
	}
	return results
}

// results are what became of each target, by what the receiver reports. Devices that are
// gone are removed.
func (h *handler) results(ctx context.Context, r *push.Receipt, targets []push.Device, says *report, wait time.Duration, sent time.Time) []fanout.Result {
	results := make([]fanout.Result, len(targets))
	for i, d := range targets {
		a := says.fate(d, r.Channel, wait)
		if a.Fate == line.Gone {
			if err := h.directory.Gone(ctx, d, sent, a.Code); err != nil {
				a = line.Answer{Fate: line.Again, Tried: true, Err: fmt.Errorf("remove a dead device: %w", err)}
			}
		}
		results[i] = fanout.Result{Device: d, Answer: a}
	}
	return results
}

// route is [push.Work.Route]: the one request that would be made.
func (h *handler) route(ctx context.Context, r *push.Receipt) ([]push.Route, error) {
	targets, damaged, err := h.targets(ctx, r)
	if err != nil {
		return nil, err
	}
	var routes []push.Route
	for _, of := range damaged {
		routes = append(routes, push.Route{Target: push.Target{Device: of.Device, Result: push.ResultRetried, Why: of.Answer.Err.Error()}})
	}
	if len(targets) == 0 {
		if len(routes) > 0 {
			return routes, nil
		}
		why := "the receipt addresses nobody"
		if len(r.To) > 0 {
			why = "the users have no device of provider webhook"
		}
		return []push.Route{{Target: push.Target{Result: push.ResultSkipped, Why: why}}}, nil
	}
	shown := withTokens(targets)
	for i := range shown {
		shown[i].Token = masked
	}
	body, err := h.config.body(r, shown)
	if err != nil {
		return nil, err
	}
	for _, d := range targets {
		one := push.Route{Target: push.Target{Device: d, Result: push.ResultAccepted}, Silent: r.Payload.Silent, Message: body}
		if d.User.IsZero() {
			one.Channel = r.Channel
		}
		routes = append(routes, one)
	}
	return routes, nil
}
