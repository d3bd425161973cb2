package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/directory"
	"github.com/pushworker/pushworker/pkg/push"
)

// lateDirectory is the device directory as handlers get it. They are configured
// before the broker is opened, so that a fault of theirs opens nothing, and ask
// only when lanes run, which is after it.
type lateDirectory struct {
	opened   atomic.Pointer[push.Directory]
	coverage device.Coverage
}

var (
	_ push.Finder = (*lateDirectory)(nil)
	_ push.Failer = (*lateDirectory)(nil)
)

var errNoDirectory = errors.New("device directory is not open: create the bucket push-devices, or run `pushworker provision`")

func (d *lateDirectory) open(opened push.Directory) { d.opened.Store(&opened) }

// Devices implements [push.Directory].
func (d *lateDirectory) Devices(ctx context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error) {
	if opened := d.opened.Load(); opened != nil {
		found, err := (*opened).Devices(ctx, users, provider)
		d.count(users, found, err)
		return found, err
	}
	return nil, errNoDirectory
}

// Find implements [push.Finder].
func (d *lateDirectory) Find(ctx context.Context, users []push.Uid, provider string, found func(map[push.Uid][]push.Device, error)) {
	if opened := d.opened.Load(); opened != nil {
		push.Find(ctx, *opened, users, provider, func(devices map[push.Uid][]push.Device, err error) {
			d.count(users, devices, err)
			found(devices, err)
		})
		return
	}
	found(nil, errNoDirectory)
}

// Gone implements [push.Directory].
func (d *lateDirectory) Gone(ctx context.Context, device push.Device, asOf time.Time, reason string) error {
	if opened := d.opened.Load(); opened != nil {
		return (*opened).Gone(ctx, device, asOf, reason)
	}
	return errNoDirectory
}

// Fails implements [push.Failer].
func (d *lateDirectory) Fails(ctx context.Context, device push.Device, is push.Failing) error {
	if opened := d.opened.Load(); opened != nil {
		return push.Fails(ctx, *opened, device, is) //nolint:wrapcheck // as Gone
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

// OpenDevices opens the directory of devices that the configuration names, which the
// caller closes. Testers send test pushes; nil where there are no handlers.
func (w Worker) OpenDevices(ctx context.Context, conn *broker.Conn, testers []devices.Tester) (*devices.Directory, error) {
	c := w.Config
	o := devices.Options{
		CacheBytes: int(c.DevicesCache), Mirror: c.DevicesMirror, Displace: c.DevicesDisplace,
		Address: w.Addresser(), Testers: testers, Log: w.Log,
	}
	var err error
	if o.Source, err = directory.Source(ctx, c, conn); err != nil {
		return nil, err
	}
	if o.Source != nil {
		o.CacheTTL = c.DirectoryTTL
	}
	return devices.Open(ctx, conn, o)
}

// checkDirectory finds what is wrong with the settings of the directory.
func (w Worker) checkDirectory() error { return directory.Check(w.Config) }

// openDevices opens the device directory for those who have d, and returns what
// keeps it up to date and serves the requests of chat servers. A worker that may
// not make the bucket does without it if it is missing; handlers that ask are told.
func (w Worker) openDevices(ctx context.Context, conn *broker.Conn, d *lateDirectory, testers []devices.Tester) (serve func(context.Context) error, err error) {
	devices, err := w.OpenDevices(ctx, conn, testers)
	switch {
	case err == nil:
		d.open(devices)
		return func(ctx context.Context) error {
			defer devices.Close()
			return devices.Run(ctx)
		}, nil
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
	differences, err := w.makeDevices(ctx, conn, t)
	w.logDifferences(differences)
	return err
}

// makeDevices is provisionDevices where it is to be done.
func (w Worker) makeDevices(ctx context.Context, conn *broker.Conn, t topology.Topology) ([]topology.Difference, error) {
	if !w.Config.DevicesCreate && w.Config.Directory == config.InKV {
		if err := devices.Lost(ctx, conn, t); err != nil {
			return nil, fmt.Errorf("look at the device directory: %w", err)
		}
	}
	differences, err := devices.Provision(ctx, conn, w.Config.Replicas)
	if err != nil {
		return differences, fmt.Errorf("provision the device directory: %w", err)
	}
	return differences, nil
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
