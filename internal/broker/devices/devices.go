// Package devices is the device directory in the bucket push-devices: the store of
// internal/device, the watch of changes made elsewhere, and the service that answers
// push.devices.*. It refuses to know providers and receipts.
package devices

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// Options adjust [Open]. The zero value is fine.
type Options struct {
	// CacheBytes, CacheTTL and Mirror are those of [device.Options]. With Mirror,
	// [Directory.Run] reads all devices at first.
	CacheBytes int
	CacheTTL   time.Duration
	Mirror     bool
	// Displace is that of [device.Options].
	Displace bool
	// Address is that of [device.Options].
	Address func(push.Device) (push.Device, error)
	// Tester sends test pushes; nil where there are no handlers.
	Tester Tester
	// Log gets what nobody waits for.
	Log zerolog.Logger
}

// Directory is the directory of devices in the KV bucket push-devices. Devices that
// leave are published on push.events.device_gone, at most once each; nobody waits
// for that to arrive.
type Directory struct {
	*device.Directory

	conn   *broker.Conn
	store  *store
	mirror bool
	tester Tester
	log    zerolog.Logger
}

// Ready returns why users look as if they had no devices: the bucket is gone, was
// emptied or was made anew.
func (d *Directory) Ready(ctx context.Context) error { return d.store.sameBucket(ctx) }

// Open opens the directory. Without a bucket, or without what is in every bucket that
// was provisioned, the error wraps [ErrNoBucket]; see [Provision]. Unless [Directory.Run]
// runs, what others change may be seen as late as the cache's TTL.
func Open(ctx context.Context, c *broker.Conn, o Options) (*Directory, error) {
	s := &store{conn: c}
	mask, err := s.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the device directory: %w", err)
	}
	d := &Directory{conn: c, store: s, mirror: o.Mirror, tester: o.Tester, log: o.Log}
	damage := o.Log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute}) // each receipt meets it again
	d.Directory = device.New(s, device.Options{
		Mask: mask, CacheBytes: o.CacheBytes, CacheTTL: o.CacheTTL, Mirror: o.Mirror, Displace: o.Displace, Address: o.Address, OnGone: d.publish,
		OnUnreadable: func(err error) {
			damage.Error().Err(err).Msg("devices of a user cannot be read; receipts for this user are retried, others are delivered")
		},
	})
	return d, nil
}

// Run answers requests on push.devices.* and watches for changes made elsewhere,
// until ctx ends; then it returns nil.
func (d *Directory) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watching.Go(func() { d.watch(ctx) })
	return d.serve(ctx)
}

// publish tells others that a device has left.
func (d *Directory) publish(e device.Event) {
	level := zerolog.DebugLevel
	if e.Reason == device.ReasonDisplaced {
		level = zerolog.WarnLevel // nobody has asked for that
	}
	d.log.WithLevel(level).Str("user", e.User).Str("device", e.ShownID()).Str("provider", e.Provider).
		Str("token_hash", e.TokenHash).Str("reason", e.Reason).Msg("device removed from the directory")
	data, err := json.Marshal(e)
	if err == nil {
		err = d.conn.NATS().Publish(wire.DeviceEvents, data)
	}
	if err != nil {
		d.log.Warn().Err(err).Msg("cannot publish the event device_gone: the chat server does not learn that the device is gone")
	}
}
