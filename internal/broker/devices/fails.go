package devices

import (
	"context"

	"github.com/pushworker/pushworker/pkg/push"
)

var _ push.Failer = (*Directory)(nil)

// Fails implements [push.Failer]. Of devices that the chat server keeps nothing is noted.
func (d *Directory) Fails(ctx context.Context, dev push.Device, is push.Failing) error {
	if d.own == nil {
		return nil
	}
	return d.own.Fails(ctx, dev, is) //nolint:wrapcheck // it says all
}
