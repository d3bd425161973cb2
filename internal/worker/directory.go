package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/push"
)

// lateDirectory is the device directory as handlers get it. They are configured
// before the broker is opened, so that a fault of theirs opens nothing, and ask
// only when lanes run, which is after it.
type lateDirectory struct {
	opened atomic.Pointer[push.Directory]
}

var errNoDirectory = errors.New("device directory is not open: create the bucket push-devices, or start once with PUSHWORKER_PROVISION=true")

func (d *lateDirectory) open(opened push.Directory) { d.opened.Store(&opened) }

// Devices implements [push.Directory].
func (d *lateDirectory) Devices(ctx context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error) {
	if opened := d.opened.Load(); opened != nil {
		return (*opened).Devices(ctx, users, provider)
	}
	return nil, errNoDirectory
}

// Gone implements [push.Directory].
func (d *lateDirectory) Gone(ctx context.Context, device push.Device, asOf time.Time, reason string) error {
	if opened := d.opened.Load(); opened != nil {
		return (*opened).Gone(ctx, device, asOf, reason)
	}
	return errNoDirectory
}

// hasher masks tokens as the directory does, for one goroutine; it makes them empty
// if it is not open.
func (d *lateDirectory) hasher() func(token string) string {
	if opened := d.opened.Load(); opened != nil {
		if masks, ok := (*opened).(interface{ Hasher() func(string) string }); ok {
			return masks.Hasher()
		}
	}
	return func(string) string { return "" }
}

// openDevices opens the device directory for those who have d, and returns what
// keeps it up to date and serves the requests of chat servers. A worker that may
// not make the bucket does without it if it is missing; handlers that ask are told.
func (w Worker) openDevices(ctx context.Context, conn *broker.Conn, d *lateDirectory, test devices.Tester) (serve func(context.Context) error, err error) {
	devices, err := devices.Open(ctx, conn, devices.Options{
		CacheBytes: int(w.Config.DevicesCache), Mirror: w.Config.DevicesMirror, Displace: w.Config.DevicesDisplace,
		Address: w.Address, Tester: test, Log: w.Log,
	})
	switch {
	case err == nil:
		d.open(devices)
		return devices.Run, nil
	case !w.Config.Provision: // no bucket, or no right to it: lanes that need none go on
		w.Log.Warn().Err(err).Msg("device directory is missing: handlers that need devices deliver nothing; create the directory and restart the worker")
		return func(context.Context) error { return nil }, nil
	}
	return nil, fmt.Errorf("open the device directory: %w", err)
}

// provisionDevices makes the bucket of the directory, which must not be done when it
// was lost. It comes before the streams are made, so that a bucket that is missing
// beside receipts was there before.
func (w Worker) provisionDevices(ctx context.Context, conn *broker.Conn, t topology.Topology) error {
	if !w.Config.Provision {
		return nil
	}
	if !w.Config.DevicesCreate {
		if err := devices.Lost(ctx, conn, t); err != nil {
			return fmt.Errorf("look at the device directory: %w", err)
		}
	}
	differences, err := devices.Provision(ctx, conn, w.Config.Replicas)
	w.logDifferences(differences)
	if err != nil {
		return fmt.Errorf("provision the device directory: %w", err)
	}
	return nil
}

// ready is nil if what the directory says of users can be believed, or if nobody has
// opened it.
func (d *lateDirectory) ready(ctx context.Context) error {
	if opened := d.opened.Load(); opened != nil {
		if checks, ok := (*opened).(interface {
			Ready(ctx context.Context) error
		}); ok {
			return checks.Ready(ctx)
		}
	}
	return nil
}
