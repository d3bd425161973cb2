package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/device"
)

// DeviceOptions adjust [Conn.Devices]. The zero value is fine.
type DeviceOptions struct {
	// CacheBytes and CacheTTL are those of [device.Options].
	CacheBytes int
	CacheTTL   time.Duration
	// Displace is that of [device.Options].
	Displace bool
	// Log gets what nobody waits for.
	Log zerolog.Logger
}

// Devices is the directory of devices in the KV bucket push-devices. Devices that
// leave are published on push.events.device_gone, at most once each; nobody waits
// for that to arrive.
type Devices struct {
	*device.Directory

	conn  *Conn
	store *deviceStore
	log   zerolog.Logger
}

// Ready returns why users look as if they had no devices: the bucket is gone, was
// emptied or was made anew.
func (d *Devices) Ready(ctx context.Context) error { return d.store.sameBucket(ctx) }

// Devices opens the directory. Without a bucket, or without what is in every bucket
// that was provisioned, the error wraps [ErrNoBucket]; see [Conn.ProvisionDevices]. Until [Devices.Run] is called, and after, what others
// change may be seen as late as the cache's TTL.
func OpenDevices(ctx context.Context, c *Conn, o DeviceOptions) (*Devices, error) {
	store := &deviceStore{conn: c}
	mask, err := store.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the device directory: %w", err)
	}
	d := &Devices{conn: c, store: store, log: o.Log}
	damage := o.Log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute}) // each receipt meets it again
	d.Directory = device.New(store, device.Options{
		Mask: mask, CacheBytes: o.CacheBytes, CacheTTL: o.CacheTTL, Displace: o.Displace, OnGone: d.publish,
		OnUnreadable: func(err error) {
			damage.Error().Err(err).Msg("the devices of a user cannot be read; receipts for the user wait, others are delivered")
		},
	})
	return d, nil
}

// Run answers requests on push.devices.* and watches for changes made elsewhere,
// until ctx ends; then it returns nil.
func (d *Devices) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watching.Go(func() { d.watch(ctx) })
	return d.serve(ctx)
}

// publish tells others that a device has left.
func (d *Devices) publish(e device.Event) {
	level := zerolog.DebugLevel
	if e.Reason == device.ReasonDisplaced {
		level = zerolog.WarnLevel // nobody has asked for that
	}
	d.log.WithLevel(level).Str("user", e.User).Str("device", e.ShownID()).Str("provider", e.Provider).
		Str("token_hash", e.TokenHash).Str("reason", e.Reason).Msg("device has left the directory")
	data, err := json.Marshal(e)
	if err == nil {
		err = d.conn.NATS().Publish(deviceEvents, data)
	}
	if err != nil {
		d.log.Warn().Err(err).Msg("that a device has left could not be published")
	}
}
