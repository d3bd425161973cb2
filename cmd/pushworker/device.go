package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/device"
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

func newDevicePutCommand(a *app) *cobra.Command {
	var d push.Device
	cmd := &cobra.Command{
		Use:   "put",
		Short: "Register a device, or its new token",
		Example: `  pushworker device put --user usr782riWdFIwE --id phone-1 --provider fcm \
      --platform android --token dGhpcyBpcyBhIHRva2Vu`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := device.Validate(d); err != nil {
				return usageError{err}
			}
			return a.devices(cmd.Context(), true, func(dir *broker.Devices) error {
				_, err := dir.Put(cmd.Context(), d)
				return deviceError(err)
			})
		},
	}
	addUserFlag(cmd, &d.User)
	addDeviceFlags(cmd.Flags(), &d)
	_ = cmd.RegisterFlagCompletionFunc("provider", a.completeHandler)
	_ = cmd.RegisterFlagCompletionFunc("platform", cobra.FixedCompletions(device.Platforms(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func addDeviceFlags(flags *pflag.FlagSet, d *push.Device) {
	flags.StringVar(&d.ID, "id", "", "the chat server's `ID` of the device")
	flags.StringVar(&d.Provider, "provider", "", "`NAME` of the handler that reaches it, such as fcm")
	flags.StringVar(&d.Platform, "platform", "", "android, ios, web, or another name of a-z, 0-9 and -")
	flags.StringVar(&d.Token, "token", "", "the provider's `TOKEN` for the device")
	flags.StringVar(&d.Lang, "lang", "", "language `TAG` of its user, such as pt-BR")
}

func newDeviceRemoveCommand(a *app) *cobra.Command {
	var like push.Device
	cmd := &cobra.Command{
		Use:   "rm",
		Short: "Remove a device, or all devices of a user",
		Example: `  pushworker device rm --user usr782riWdFIwE --id phone-1
  pushworker device rm --user usr782riWdFIwE`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if like.User.IsZero() {
				return usageError{errNoUser}
			}
			return a.devices(cmd.Context(), false, func(dir *broker.Devices) error {
				n, err := dir.Remove(cmd.Context(), like)
				if err != nil {
					return deviceError(err)
				}
				a.say("removed %s", count(n, "device"))
				return nil
			})
		},
	}
	addUserFlag(cmd, &like.User)
	cmd.Flags().StringVar(&like.ID, "id", "", "only the device with this `ID`")
	return cmd
}

// count is n things in words.
func count(n int, thing string) string { return plural(int64(n), thing, thing+"s") }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
