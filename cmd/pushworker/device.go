package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

func newDeviceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "device",
		Short: "Register, list and remove the devices that pushes go to",
		Long: `Registers, lists and removes the devices that pushes go to.

Chat servers do the same with requests to push.devices.put, .ls and .rm. A token
belongs to one user: registering it for another takes it from the first.`,
		Example: `  pushworker device ls --user usr782riWdFIwE
  pushworker device export > devices.jsonl`,
		Args: unknownCommand,
		RunE: showHelp,
	}
	cmd.AddCommand(
		newDevicePutCommand(a), newDeviceListCommand(a), newDeviceRemoveCommand(a),
		newDeviceImportCommand(a), newDeviceExportCommand(a),
	)
	return cmd
}

// devices runs f with the device directory of the configured broker. If f is to
// write, and the configuration allows it, a bucket that is missing is made.
func (a *app) devices(ctx context.Context, write bool, f func(*broker.Devices) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	conn, err := a.connect(ctx, c, "device")
	if err != nil {
		return err
	}
	defer conn.Close()
	o := broker.DeviceOptions{Displace: c.DevicesDisplace, Log: a.logger(c.Log)}
	devices, err := conn.Devices(ctx, o)
	if errors.Is(err, broker.ErrNoBucket) && write && c.Provision {
		if lost := conn.DevicesLost(ctx, worker.Topology(c, nil)); lost != nil && !c.DevicesCreate {
			return unavailableError{lost}
		}
		if _, err = conn.ProvisionDevices(ctx, c.Replicas); err == nil {
			devices, err = conn.Devices(ctx, o)
		}
	}
	if err != nil {
		return unavailableError{err}
	}
	return f(devices)
}

// deviceError gives an error of the directory its exit code.
func deviceError(err error) error {
	if _, invalid := errors.AsType[*device.InvalidError](err); invalid {
		return usageError{err}
	}
	if err != nil {
		return unavailableError{err}
	}
	return nil
}

// userValue is the pflag.Value of a user id.
type userValue push.Uid

// Set implements pflag.Value.
func (u *userValue) Set(s string) error {
	uid, err := push.ParseUid(s)
	*u = userValue(uid)
	return err
}

// String implements pflag.Value.
func (u *userValue) String() string { return push.Uid(*u).UserId() }

// Type implements pflag.Value.
func (u *userValue) Type() string { return "UID" }

// addUserFlag adds --user to cmd.
func addUserFlag(cmd *cobra.Command, user *push.Uid) {
	cmd.Flags().SortFlags = false
	cmd.Flags().Var((*userValue)(user), "user", "whose: usr…, its 11 characters, or the decimal number")
}

// errNoUser says that --user is missing. Cobra finds that out too late for it to
// be an error of usage.
var errNoUser = errors.New("--user is required")

// count is n things in words.
func count(n int, thing string) string { return plural(int64(n), thing, thing+"s") }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
