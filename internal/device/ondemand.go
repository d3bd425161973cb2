package device

import (
	"context"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// OnDemand is a directory of devices that is opened when somebody asks it
// first, so that a command whose handlers need none works without a broker. It
// removes nothing.
type OnDemand struct {
	Open func(context.Context) (d push.Directory, end func(), err error)

	mu     sync.Mutex
	opened push.Directory
	ended  func()
	err    error
}

// Devices implements [push.Directory].
func (d *OnDemand) Devices(ctx context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened == nil && d.err == nil {
		d.opened, d.ended, d.err = d.Open(ctx)
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.opened.Devices(ctx, users, provider)
}

// Gone implements [push.Directory].
func (*OnDemand) Gone(context.Context, push.Device, time.Time, string) error { return nil }

// Close closes the directory, if it was opened.
func (d *OnDemand) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended != nil {
		d.ended()
	}
}
