package fcm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// New makes the handler. It asks directory for the devices of a receipt's users
// and reports dead tokens to it. Its config is a [Config]. Init does not wait for
// the network: what is wrong with the credentials is the first receipt's outcome.
func New(directory push.Directory) push.Handler {
	return push.Adapt(func(jsonconf string) (push.Work, error) {
		c, err := parseConfig(jsonconf)
		if err != nil {
			return push.Work{}, err
		}
		how, err := c.sending()
		if err != nil {
			return push.Work{}, err
		}
		s, err := newSender(context.Background(), how, fetchToken) //nolint:forbidigo // the seed's Init is given none
		if err != nil {
			return push.Work{}, err
		}
		return newHandler(c, directory, s, how.inFlight).work(), nil
	})
}

func newHandler(c *Config, directory push.Directory, s *sender, inFlight int) *handler {
	return &handler{config: c, directory: directory, sender: s, fanout: newFanout(inFlight)}
}

func (h *handler) work() push.Work {
	return push.Work{
		Begin: h.fanout.begin, Handle: h.handle, TTL: h.config.ttl, Notifies: true, Check: h.check, Probe: h.probe, Route: h.route,
		State: h.sender.state, Classes: line.Classes(), Measure: h.sender.line.Measure,
		Close: h.sender.close, Concurrency: h.fanout.most,
	}
}

// handler turns receipts into messages and their answers into outcomes.
type handler struct {
	config    *Config
	directory push.Directory
	sender    *sender
	fanout    *fanout
}

var errUnreadable = errors.New(`message's content cannot be read; with "tolerate_content" it is sent without`)

// handle sends r to all its targets. Its error is an instruction for what remains.
func (h *handler) handle(ctx context.Context, r *push.Receipt) error {
	made, skip := newTemplate(h.config, r, time.Now())
	switch skip {
	case unknownAction:
		r.Tally(push.Targets{Skipped: max(1, len(r.To))})
		r.Itemize([]push.Target{{Result: push.ResultSkipped, Why: noAction}})
		return nil
	case expired:
		return push.ErrExpired
	case unreadable:
		return push.Permanent(errUnreadable)
	}
	devices, damaged, err := h.devices(ctx, r)
	if err != nil {
		return err
	}
	tally := newTally(r)
	tally.wait(damaged)
	defer tally.report()
	h.fanout.deliver(targets(made, r, devices, tally), func(t *target) { h.deliver(ctx, made, t, tally) })
	return tally.outcome()
}

// devices looks the users' devices up, all at once. The record of some users may be
// damaged: then the devices are those of the others.
func (h *handler) devices(ctx context.Context, r *push.Receipt) (devices map[push.Uid][]push.Device, damaged *push.UnreadableError, err error) {
	if len(r.To) == 0 {
		return nil, nil, nil
	}
	devices, err = h.directory.Devices(ctx, slices.Collect(maps.Keys(r.To)))
	switch {
	case err == nil || errors.As(err, &damaged):
		return devices, damaged, nil
	case errors.Is(context.Cause(ctx), push.ErrStopping):
		return nil, nil, fmt.Errorf("look up devices: %w", err)
	}
	return nil, nil, push.DirectoryUnavailable(fmt.Errorf("look up devices: %w", err))
}

// deliver sends to one target and notes what became of it.
func (h *handler) deliver(ctx context.Context, made *template, t *target, tally *tally) {
	defer func() {
		if v := recover(); v != nil { // in a goroutine of ours nobody else would
			tally.note(t, line.Answer{Fate: line.Again, Tried: true, Err: &push.PanicError{Value: v, Stack: debug.Stack()}})
		}
	}()
	message := t.render(made, tally.receipt)
	sent := time.Now()
	a := h.sender.line.Send(ctx, h.sender.call(h.sender.sdk, message, t.platform))
	if a.Fate == line.Gone && !t.isChannel() {
		a = h.forget(ctx, t, sent, a)
	}
	tally.note(t, a)
}

// forget has a dead token removed. If that is not possible the target remains, so
// that another attempt does.
func (h *handler) forget(ctx context.Context, t *target, sent time.Time, a line.Answer) line.Answer {
	if err := h.directory.Gone(ctx, t.device, sent, a.Code); err != nil {
		return line.Answer{Fate: line.Again, Tried: true, Err: fmt.Errorf("remove a dead token: %w", err)}
	}
	return a
}
