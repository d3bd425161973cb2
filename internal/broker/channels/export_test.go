package channels

import (
	"context"
	"time"

	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/channel"
)

// KeepFor is Keep with a lease that lasts for so long.
func (d *Directory) KeepFor(ctx context.Context, k *channel.Keeper, registered *devices.Directory, life time.Duration) error {
	h := d.holder(k.Handler, k.Report)
	h.terms = terms{life: life, every: life / 6, margin: life / 3}
	return d.keep(ctx, k, registered, h)
}
