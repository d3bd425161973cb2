package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

func newDevicePutCommand(a command) *cobra.Command {
	d := push.Device{Extra: new(push.Extra)}
	cmd := &cobra.Command{
		Use:   "put",
		Short: "Register a device, or its new token",
		Long: `Registers a device, or its new token. A token registered for another user is
removed from that user; the command reports this.`,
		Example: `  pushworker device put --user usr782riWdFIwE --id phone-1 --provider fcm \
      --platform android --token dGhpcyBpcyBhIHRva2Vu`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(device.Validate(d), a.checkProvider(d.Provider)); err != nil {
				return app.Usage(err)
			}
			return a.ownDevices(cmd.Context(), true, func(dir *devices.Directory) error {
				return a.putDevice(cmd.Context(), dir, d)
			})
		},
	}
	app.AddUser(cmd, &d.User)
	addDeviceFlags(cmd.Flags(), &d)
	app.AddYes(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("provider", a.CompleteHandler)
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(device.Kinds(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("env", cobra.FixedCompletions(device.Envs(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("platform", cobra.FixedCompletions(device.Platforms(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a command) putDevice(ctx context.Context, dir *devices.Directory, d push.Device) error {
	d, err := dir.Address(d)
	if err != nil {
		return deviceError(err)
	}
	before, err := dir.Holder(ctx, d)
	if err == nil {
		_, err = dir.Put(ctx, d)
	}
	if err == nil && !before.IsZero() && before != d.User {
		a.Say("the token was registered for %s and is taken from that user", before.UserId())
	}
	if err == nil && d.Provider == "webpush" {
		sent, _ := dir.Activate(ctx, d.User, d.ID) // the device is registered, and may be activated later
		if sent > 0 {
			a.Say("the device got a test push; when its app has returned the token, receipts are sent to it")
		}
	}
	return deviceError(err)
}

func addDeviceFlags(flags *pflag.FlagSet, d *push.Device) {
	flags.StringVar(&d.ID, "id", "", "the chat server's `ID` of the device")
	flags.StringVar(&d.Provider, "provider", "", "`TYPE` of the handlers that reach it, such as fcm")
	flags.StringVar(&d.Platform, "platform", "", "android, ios, web, or another name of a-z, 0-9 and -")
	flags.StringVar(&d.Token, "token", "", "the provider's `TOKEN` for the device")
	flags.StringVar(&d.Lang, "lang", "", "language `TAG` of its user, such as pt-BR")
	flags.StringVar(&d.Extra.App, "app", "", "`APP` as the provider knows it, such as a bundle id")
	flags.StringVar(&d.Extra.Kind, "kind", "", "voip for a token that takes calls only")
	flags.StringVar(&d.Extra.Env, "env", "", "production or sandbox, where the token is valid")
	flags.StringVar(&d.Extra.Keys.P256DH, "p256dh", "", "public `KEY` of a web push subscription")
	flags.StringVar(&d.Extra.Keys.Auth, "auth", "", "`SECRET` of a web push subscription")
}

// checkProvider refuses a provider that no handler is called: nothing would be sent to
// the device.
func (a command) checkProvider(name string) error {
	known := []string{"apns", "fcm", "hms", "webhook", "webpush"}
	if c, err := a.Config(); err == nil { // what is wrong with it is said when it is used
		for _, h := range c.Handlers {
			known = append(known, h.Type)
		}
	}
	if name == "" || slices.Contains(known, name) {
		return nil
	}
	near := &cobra.Command{SuggestionsMinimumDistance: 2} // in edits
	for _, k := range known {
		near.AddCommand(&cobra.Command{Use: k, Run: func(*cobra.Command, []string) {}})
	}
	hint := "use the name of a handler of PUSHWORKER_HANDLERS"
	if like := near.SuggestionsFor(name); len(like) > 0 {
		hint = "did you mean " + strings.Join(slices.Compact(like), " or ") + "?"
	}
	return fmt.Errorf("no handler is called %q: %s", name, hint)
}

func newDeviceRemoveCommand(a command) *cobra.Command {
	like := push.Device{Extra: new(push.Extra)}
	var consent app.Change
	cmd := &cobra.Command{
		Use:   "rm",
		Short: "Remove a device, or all devices of a user",
		Long: `Removes the device with an ID; --app and --kind choose among several with that
ID. Without --id it shows the devices of the user that have the app and the
kind, and removes them with --yes.`,
		Example: `  pushworker device rm --user usr782riWdFIwE --id phone-1
  pushworker device rm --user usr782riWdFIwE --id phone-1 --kind voip
  pushworker device rm --user usr782riWdFIwE --yes`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if like.User.IsZero() {
				return app.Usage(app.ErrNoUser)
			}
			if err := consent.Check(); err != nil {
				return err
			}
			return a.ownDevices(cmd.Context(), false, func(dir *devices.Directory) error {
				return a.removeDevices(cmd.Context(), dir, like, &consent)
			})
		},
	}
	app.AddUser(cmd, &like.User)
	cmd.Flags().StringVar(&like.ID, "id", "", "only the device with this `ID`")
	cmd.Flags().StringVar(&like.Extra.App, "app", "", "only devices of this `APP`")
	cmd.Flags().StringVar(&like.Extra.Kind, "kind", "", "only devices of this `KIND`, such as voip")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(device.Kinds(), cobra.ShellCompDirectiveNoFileComp))
	app.AddConsent(cmd.Flags(), &consent)
	return cmd
}

func (a command) removeDevices(ctx context.Context, dir *devices.Directory, like push.Device, consent *app.Change) error {
	if !consent.Yes && (like.ID == "" || consent.Dry) {
		if agreed, err := a.agreeToRemove(ctx, dir, like, consent); err != nil || !agreed {
			return err
		}
	}
	n, err := dir.Remove(ctx, like)
	if err != nil {
		return deviceError(err)
	}
	a.Say("removed %s", terminal.Count(n, "device"))
	return nil
}

// agreeToRemove shows what would be removed, and reports whether it is to be.
func (a command) agreeToRemove(ctx context.Context, dir *devices.Directory, like push.Device, consent *app.Change) (bool, error) {
	list, err := dir.List(ctx, like.User)
	damaged := a.sayDamaged(err)
	if err != nil && !damaged {
		return false, deviceError(err)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(d push.Device) bool { return !device.Fits(like, d) })
	if len(list) == 0 && !damaged {
		return true, nil // which removes none
	}
	if err := a.printDevices(terminal.FormatTable, list, false, dir.Hash); err != nil {
		return false, err
	}
	agreed, err := a.Consent(consent, "remove the devices of "+like.User.UserId()+"?")
	if err == nil && !agreed {
		a.Say("would remove %s; nothing was changed. Do it with --yes", terminal.Count(len(list), "device"))
	}
	return agreed, err
}

// sayDamaged says that a list cannot be shown, if that is what err is.
func (a command) sayDamaged(err error) bool {
	_, damaged := errors.AsType[*push.UnreadableError](err)
	if damaged {
		a.Say("the device list of the user is damaged, so the number of devices is unknown")
	}
	return damaged
}
