package devices

import (
	"context"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/pkg/push"
)

// activateSoon sends the devices of user with an id, beside the request that has registered
// one, what activates them; see [Directory.Activate].
func (d *Directory) activateSoon(ctx context.Context, user push.Uid, id string) {
	if d.own == nil {
		return // the chat server says which are activated
	}
	d.background(func() {
		ctx, stop := d.conn.Bound(context.WithoutCancel(ctx), broker.RequestTimeout)
		defer stop()
		if _, err := d.Activate(ctx, user, id); err != nil {
			d.log.Debug().Err(err).Msg("cannot send what activates a device; the app registers it again when it starts")
		}
	})
}

// Activate sends a test push to the user's devices with an id that a handler sends
// nothing else to, until the app has given the token back. It returns how many were sent.
func (d *Directory) Activate(ctx context.Context, user push.Uid, id string) (sent int, err error) {
	all, err := d.List(ctx, user)
	if err != nil {
		return 0, err
	}
	for _, dev := range all {
		if e := dev.More(); dev.ID != id || e.Activated || e.Keys == (push.Keys{}) {
			continue
		}
		dev.User = user
		t := &Trial{}
		if d.try(ctx, dev, t, true); t.Result == string(push.ResultAccepted) {
			sent++
		}
	}
	return sent, nil
}
