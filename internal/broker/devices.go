package broker

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/device"
)

// The names of the device directory that the contract fixes.
const (
	devicesBucket  = "push-devices"
	devicesStream  = "KV_" + devicesBucket
	devicesPrefix  = "$KV." + devicesBucket + "."
	deviceRequests = subjectPrefix + "devices."
	deviceEvents   = subjectPrefix + "events.device_gone"
)

// maskKey is the key of the secret with which tokens are masked.
const maskKey = "install.mask"

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
func (c *Conn) Devices(ctx context.Context, o DeviceOptions) (*Devices, error) {
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
		err = d.conn.nc.Publish(deviceEvents, data)
	}
	if err != nil {
		d.log.Warn().Err(err).Msg("that a device has left could not be published")
	}
}

// open reads the secret and remembers it, since no two buckets have the same. A
// bucket in which nothing was ever written, or whose secret an operator has deleted,
// gets one.
func (s *deviceStore) open(ctx context.Context) (device.Mask, error) {
	mask, err := s.find(ctx)
	if errors.Is(err, errNoMask) {
		mask, err = s.mask(ctx)
	}
	if err == nil {
		s.mine = &mask
	}
	return mask, err
}

// find reads the secret. [errNoMask] says that one may be made.
func (s *deviceStore) find(ctx context.Context) (device.Mask, error) {
	read, err := s.read(ctx, []string{maskKey})
	switch {
	case err != nil:
		return device.Mask{}, err
	case read[0].Value != nil:
		return parseMask(read[0].Value)
	case read[0].Revision > 0:
		return device.Mask{}, errNoMask
	}
	info, err := s.conn.streamInfo(ctx, devicesStream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return device.Mask{}, ErrNoBucket
	case err != nil:
		return device.Mask{}, fmt.Errorf("looking at bucket %s: %w", devicesBucket, err)
	case info.State.LastSeq > 0:
		return device.Mask{}, errEmptied
	}
	return device.Mask{}, errNoMask
}

// mask reads the secret, or makes it where there is none yet.
func (s *deviceStore) mask(ctx context.Context) (device.Mask, error) {
	for {
		read, err := s.read(ctx, []string{maskKey})
		if err != nil {
			return device.Mask{}, err
		}
		if read[0].Value != nil {
			return parseMask(read[0].Value)
		}
		made := device.NewMask()
		_, err = s.Write(ctx, maskKey, []byte(hex.EncodeToString(made[:])), read[0].Revision)
		if err == nil || !errors.Is(err, device.ErrConflict) {
			return made, err
		}
	}
}

func parseMask(text []byte) (m device.Mask, err error) {
	if n, err := hex.Decode(m[:], text[:min(len(text), hex.EncodedLen(len(m)))]); err != nil || n != len(m) {
		return m, fmt.Errorf("key %s of bucket %s is not what it was: delete it, and tokens get other masks", maskKey, devicesBucket)
	}
	return m, nil
}
