package devices

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/requests"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// tryTime is how long a handler of another process may take for a test push.
	tryTime = testTime - 500*time.Millisecond
	// activations is how many devices are being activated at a time.
	activations = 16
)

// Tester is a handler that sends test pushes.
type Tester struct {
	// Handler is its name, and Provider its type.
	Handler, Provider string
	// Test is [push.Tester]'s, and Activates [push.Activator]'s.
	Test      func(ctx context.Context, d push.Device, token string) (push.Tested, bool)
	Activates func(d push.Device) bool
}

// trying is what a process asks of those that have other handlers. It has the device's
// token: only workers and operators may publish and subscribe to its subject.
type trying struct {
	Device push.Device `json:"device"`
	Token  string      `json:"token"`
	// Activate says that it is only for a device that has to be activated.
	Activate bool `json:"activate,omitempty"`
}

// tried is what became of it.
type tried struct {
	Handler  string    `json:"handler"`
	Result   string    `json:"result"`
	Why      string    `json:"why,omitempty"`
	UniqueID string    `json:"unique_id,omitempty"`
	Asked    time.Time `json:"asked,omitzero"`
	Answered time.Time `json:"answered,omitzero"`
}

// send sends a test push through the handler that reaches d, in this process or another.
// It is false if none does.
func (d *Directory) send(ctx context.Context, t trying) (tried, bool) {
	if done, ok := d.sendHere(ctx, t); ok {
		return done, true
	}
	return d.sendElsewhere(ctx, t)
}

// sendHere sends it through a handler of this process: of two that one device could have,
// registration has refused one.
func (d *Directory) sendHere(ctx context.Context, t trying) (tried, bool) {
	for _, h := range d.testers {
		if done, ok := h.try(ctx, t); ok {
			return done, true
		}
	}
	return tried{}, false
}

func (h Tester) try(ctx context.Context, t trying) (tried, bool) {
	if t.Activate && !h.Activates(t.Device) {
		return tried{}, false
	}
	done, ok := h.Test(ctx, t.Device, t.Token)
	return tried{h.Handler, string(done.Result), done.Why, done.UniqueID, done.Asked.UTC(), done.Answered.UTC()}, ok
}

// sendElsewhere asks the other processes. One member of each handler's queue group gets
// the request, and only the one whose handler takes the device answers.
func (d *Directory) sendElsewhere(ctx context.Context, t trying) (done tried, ok bool) {
	ctx, stop := context.WithTimeout(ctx, tryTime)
	defer stop()
	text, err := json.Marshal(t)
	if err != nil {
		return done, false
	}
	subject := wire.TryPrefix + t.Device.Provider
	var m *nats.Msg
	err = d.conn.Ask(ctx, subject, func(ctx context.Context) (err error) {
		m, err = d.conn.NATS().RequestWithContext(ctx, subject, text)
		return err
	})
	if err == nil {
		err = json.Unmarshal(m.Data, &done)
	}
	if err != nil && !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, context.DeadlineExceeded) {
		d.log.Warn().Err(err).Msg("cannot ask other workers to send a test push")
	}
	return done, err == nil
}

// serveTries answers what other processes ask of this one's handlers, until the returned
// function is called.
func (d *Directory) serveTries(ctx context.Context) (stop func(), err error) {
	var all []*nats.Subscription
	stop = func() {
		for _, s := range all {
			_ = s.Unsubscribe() // it ends with the connection at the latest
		}
	}
	for _, h := range d.testers {
		s, err := d.conn.NATS().QueueSubscribe(wire.TryPrefix+h.Provider, h.Handler, func(m *nats.Msg) {
			d.background(func() { d.answerTry(context.WithoutCancel(ctx), h, m) })
		})
		if err != nil {
			return stop, err //nolint:wrapcheck // Run's caller says what failed
		}
		all = append(all, s)
	}
	return stop, nil
}

func (d *Directory) answerTry(ctx context.Context, h Tester, m *nats.Msg) {
	var t trying
	if json.Unmarshal(m.Data, &t) != nil || !requests.IsInbox(m.Reply) {
		return // nobody of ours has asked
	}
	ctx, stop := d.conn.Bound(ctx, broker.RequestTimeout)
	defer stop()
	done, ok := h.try(ctx, t)
	if !ok {
		return
	}
	if text, err := json.Marshal(done); err == nil {
		_ = m.Respond(text) // who asked waits no longer than that
	}
}

// background runs do beside requests, unless too much runs; Run waits for it.
func (d *Directory) background(do func()) {
	select {
	case d.slots <- struct{}{}:
		d.going.Go(func() {
			defer func() { <-d.slots }()
			do()
		})
	default:
		d.log.Debug().Msg("too many test pushes at a time: one is left out")
	}
}
