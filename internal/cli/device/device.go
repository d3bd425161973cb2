// Package device has the commands about devices. The directory is in internal/device.
package device

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command device.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	cmd := &cobra.Command{
		Use:   "device",
		Short: "Register, list and remove the devices that pushes go to",
		Long: `Registers, lists and removes the devices that pushes go to.

Chat servers do the same with requests to push.devices.put, .ls and .rm. A token
belongs to one user. If it is registered for another user, it is removed from
the first.`,
		Example: `  pushworker device ls --user usr782riWdFIwE
  pushworker device export > devices.jsonl`,
		Args: app.UnknownCommand,
		RunE: app.ShowHelp,
	}
	cmd.AddCommand(
		newDevicePutCommand(a), newDeviceListCommand(a), newDeviceRemoveCommand(a),
		newDeviceImportCommand(a), newDeviceExportCommand(a), newDeviceTestCommand(a),
	)
	return cmd
}

// devices runs f with the device directory of the configured broker. If f is to
// write, and the configuration allows it, a bucket that is missing is made.
func (a command) devices(ctx context.Context, write bool, f func(*devices.Directory) error) error {
	return a.WithBroker(ctx, "device", func(c *config.Config, conn *broker.Conn) error {
		plugins := func(r *push.Registry, d push.Directory) { a.Plugins(r, d, io.Discard) }
		w := worker.Worker{Config: c, Plugins: plugins, Log: a.Logger(c.Log)}
		directory, err := w.OpenDevices(ctx, conn, nil)
		if errors.Is(err, devices.ErrNoBucket) && write && c.Provision {
			if lost := devices.Lost(ctx, conn, worker.Topology(c, nil)); lost != nil && !c.DevicesCreate {
				return app.Unavailable(lost)
			}
			err = app.Create(ctx, conn, func(ctx context.Context) error {
				_, err := devices.Provision(ctx, conn, c.Replicas)
				return err
			})
			if err == nil {
				directory, err = w.OpenDevices(ctx, conn, nil)
			}
		}
		if err != nil {
			return app.Unavailable(err)
		}
		defer directory.Close()
		return f(directory)
	})
}

// ownDevices is devices for a command that only pushworker's own directory can do.
func (a command) ownDevices(ctx context.Context, write bool, f func(*devices.Directory) error) error {
	return a.devices(ctx, write, func(dir *devices.Directory) error {
		if dir.Foreign() {
			return app.Usage(device.ErrForeign)
		}
		return f(dir)
	})
}

// deviceError gives an error of the directory its exit code.
func deviceError(err error) error {
	if _, invalid := errors.AsType[*device.InvalidError](err); invalid {
		return app.Usage(err)
	}
	if err != nil {
		return app.Unavailable(err)
	}
	return nil
}
