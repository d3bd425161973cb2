// Package devices is the device directory in the bucket push-devices: the store of
// internal/device, the watch of changes made elsewhere, and the service that answers
// push.devices.*. It refuses to know providers and receipts.
package devices

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
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
	// Source keeps the devices in place of the bucket, which then has only what masks
	// tokens and the tokens of test pushes; nil for the bucket. An answer of Source is
	// believed for CacheTTL, and 0 is not at all. Mirror and Displace have no meaning.
	Source device.Source
	// Testers send test pushes; nil where there are no handlers.
	Testers []Tester
	// Log gets what nobody waits for.
	Log zerolog.Logger
}

// book is who has the devices.
type book interface {
	push.Finder
	registrar
	lister
	Hash(token string) string
	cacher
}

// lister reads a book past its cache.
type lister interface {
	List(ctx context.Context, user push.Uid) ([]push.Device, error)
	All(ctx context.Context) iter.Seq2[push.Device, error]
	Current(ctx context.Context, users []push.Uid) ([]device.Current, error)
}

// registrar is what changes a book.
type registrar interface {
	Put(ctx context.Context, d push.Device) (stored bool, err error)
	Remove(ctx context.Context, like push.Device) (removed int, err error)
	Address(d push.Device) (push.Device, error)
	Holder(ctx context.Context, d push.Device) (push.Uid, error)
}

// cacher is what a book has beside its devices.
type cacher interface {
	Hasher() func(token string) string
	CacheCounts() (hits, misses int64)
	Forget()
}

var (
	_ book = (*device.Directory)(nil)
	_ book = (*device.Foreign)(nil)

	_ push.Finder = (*Directory)(nil)
)

// Directory is the directory of devices: in the KV bucket push-devices, or what
// [Options.Source] keeps. Devices that leave are published on push.events.device_gone,
// at most once each; nobody waits for that to arrive. It is not published of a device
// that the chat server was told of.
type Directory struct {
	book

	own     *device.Directory // nil with a Source
	foreign *device.Foreign   // nil without
	source  device.Source
	conn    *broker.Conn
	store   *store
	mirror  bool
	testers []Tester
	log     zerolog.Logger

	slots chan struct{} // of what runs in the background
	going sync.WaitGroup
}

// Ready returns why users look as if they had no devices: the bucket is gone, was
// emptied or was made anew.
func (d *Directory) Ready(ctx context.Context) error {
	if d.own == nil {
		return nil // lanes say when it does not answer
	}
	return d.store.sameBucket(ctx)
}

// Open opens the directory. Without a bucket, or without what is in every bucket that
// was provisioned, the error wraps [ErrNoBucket]; see [Provision]. Unless [Directory.Run]
// runs, what others change may be seen as late as the cache's TTL. With a Source it
// needs no bucket, and does without test pushes then.
func Open(ctx context.Context, c *broker.Conn, o Options) (*Directory, error) {
	d := &Directory{conn: c, store: storeOf(c), mirror: o.Mirror, source: o.Source, testers: o.Testers, log: o.Log, slots: make(chan struct{}, activations)}
	mask, err := d.store.open(ctx)
	switch {
	case err == nil:
	case o.Source != nil:
		o.Log.Debug().Err(err).Msg("there is no bucket for test pushes; tokens are masked in another way by each process")
		mask = device.NewMask()
	default:
		return nil, fmt.Errorf("opening the device directory: %w", err)
	}
	few := o.Log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute}) // each receipt meets it again
	if o.Source != nil {
		d.foreign = device.NewForeign(o.Source, device.ForeignOptions{
			Mask: mask, CacheBytes: o.CacheBytes, CacheTTL: o.CacheTTL, Address: o.Address, OnGone: d.publish,
			OnRefused: func(n int, why error) {
				few.Warn().Int("devices", n).Err(why).Msg("devices of the chat server are refused, so nothing is sent to them; correct them there")
			},
		})
		d.book = d.foreign
		return d, nil
	}
	d.own = device.New(d.store, device.Options{
		Mask: mask, CacheBytes: o.CacheBytes, CacheTTL: o.CacheTTL, Mirror: o.Mirror, Displace: o.Displace, Address: o.Address, OnGone: d.publish,
		OnUnreadable: func(err error) {
			few.Error().Err(err).Msg("devices of a user cannot be read; receipts for this user are retried, others are delivered")
		},
	})
	d.book = d.own
	return d, nil
}

// Close closes the connections of a Source that has any.
func (d *Directory) Close() {
	if s, ok := d.source.(interface{ Close() }); ok {
		s.Close()
	}
}

// Own is the directory over the bucket; nil when the chat server keeps the devices.
func (d *Directory) Own() *device.Directory { return d.own }

// Foreign reports whether the chat server keeps the devices.
func (d *Directory) Foreign() bool { return d.foreign != nil }

// Refused is how many devices of a Source's answers were refused so far.
func (d *Directory) Refused() int64 {
	if d.foreign == nil {
		return 0
	}
	return d.foreign.Refused()
}

// Run answers requests on push.devices.* and learns of changes made elsewhere,
// until ctx ends; then it returns nil.
func (d *Directory) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	defer watching.Wait()
	defer d.going.Wait()
	untry, err := d.serveTries(ctx)
	defer untry()
	if err != nil {
		return fmt.Errorf("serving test pushes: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if d.foreign != nil {
		changes, err := d.hearChanges(d.foreign.Changed)
		if err != nil {
			return err
		}
		defer func() { _ = changes.Unsubscribe() }() // fails without a connection only
		watching.Go(func() { d.forgetUnheard(ctx) })
		return d.serve(ctx)
	}
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
