// Package channel has the commands about who is in which channel. What a channel is, and
// who subscribes devices, is in internal/channel.
package channel

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command channel.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	cmd := &cobra.Command{
		Use:   "channel",
		Short: "Have users join and leave channels, and list them",
		Long: `Has users join and leave channels, and lists them. A receipt to a channel is one
message to a topic of FCM, which reaches the devices that are subscribed to it.
A running worker subscribes the devices of users who join, and unsubscribes
those of users who leave; docs/channels.md describes how.

Chat servers do the same with requests to push.channels.put, .ls and .rm.`,
		Example: `  pushworker channel put --user usr782riWdFIwE --channel chnnG99YhENiQU
  pushworker channel ls --user usr782riWdFIwE`,
		Args: app.UnknownCommand,
		RunE: app.ShowHelp,
	}
	cmd.AddCommand(newPut(a), newList(a), newRemove(a))
	return cmd
}

// channels runs f with the channels of the configured broker. If f is to write, and the
// configuration allows it, a bucket that is missing is made.
func (a command) channels(ctx context.Context, write bool, f func(*channels.Directory) error) error {
	return a.WithBroker(ctx, "channel", func(c *config.Config, conn *broker.Conn) error {
		opened, err := channels.Open(ctx, conn, a.Logger(c.Log))
		if errors.Is(err, channels.ErrNoBucket) && write && c.Provision {
			err = app.Create(ctx, conn, func(ctx context.Context) error {
				_, err := channels.Provision(ctx, conn, c.Replicas)
				return err
			})
			if err == nil {
				opened, err = channels.Open(ctx, conn, a.Logger(c.Log))
			}
		}
		if err != nil {
			return app.Unavailable(err)
		}
		return f(opened)
	})
}

// fault gives an error its exit code.
func fault(err error) error {
	if _, invalid := errors.AsType[*device.InvalidError](err); invalid {
		return app.Usage(err)
	}
	if err != nil {
		return app.Unavailable(err)
	}
	return nil
}

func newPut(a command) *cobra.Command {
	var r channel.Request
	cmd := &cobra.Command{
		Use:     "put",
		Short:   "Have a user join a channel",
		Long:    `Has a user join a channel. A worker subscribes the user's devices soon after.`,
		Example: `  pushworker channel put --user usr782riWdFIwE --channel chnnG99YhENiQU`,
		Args:    app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := r.Validate(); err != nil {
				return app.Usage(err)
			}
			return a.channels(cmd.Context(), true, func(d *channels.Directory) error { return fault(d.Put(cmd.Context(), r)) })
		},
	}
	addFlags(cmd, &r)
	app.AddYes(cmd.Flags())
	return cmd
}

func addFlags(cmd *cobra.Command, r *channel.Request) {
	app.AddUser(cmd, &r.User)
	cmd.Flags().StringVar(&r.Channel, "channel", "", "`NAME` of the channel, as receipts have it")
}

func newRemove(a command) *cobra.Command {
	var r channel.Request
	var consent app.Change
	cmd := &cobra.Command{
		Use:   "rm",
		Short: "Have a user leave a channel, or all channels",
		Long: `Has a user leave a channel. Without --channel it shows the channels of the user,
and has the user leave all of them with --yes. A worker unsubscribes the user's
devices soon after.`,
		Example: `  pushworker channel rm --user usr782riWdFIwE --channel chnnG99YhENiQU
  pushworker channel rm --user usr782riWdFIwE --yes`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.User.IsZero() {
				return app.Usage(app.ErrNoUser)
			}
			if err := consent.Check(); err != nil {
				return err
			}
			return a.channels(cmd.Context(), false, func(d *channels.Directory) error { return a.remove(cmd.Context(), d, r, &consent) })
		},
	}
	addFlags(cmd, &r)
	app.AddConsent(cmd.Flags(), &consent)
	return cmd
}

func (a command) remove(ctx context.Context, d *channels.Directory, r channel.Request, consent *app.Change) error {
	if r.Channel != "" && !consent.Dry {
		was, err := d.Remove(ctx, r)
		if err == nil && !was {
			a.Say("%s was not in %s", r.User.UserId(), r.Channel)
		}
		return fault(err)
	}
	list, err := d.List(ctx, r.User)
	if err != nil {
		return fault(err)
	}
	if agreed, err := a.agree(r.User, matching(list, r.Channel), consent); err != nil || !agreed {
		return err
	}
	n, err := d.Forget(ctx, r.User)
	if err == nil {
		a.Say("%s has left %s", r.User.UserId(), terminal.Count(n, "channel"))
	}
	return fault(err)
}

// agree shows what a user would leave, and reports whether that is to be.
func (a command) agree(user push.Uid, list []string, consent *app.Change) (bool, error) {
	if consent.Yes || len(list) == 0 {
		return true, nil
	}
	if err := a.print(terminal.FormatTable, user, list); err != nil {
		return false, err
	}
	agreed, err := a.Consent(consent, "have "+user.UserId()+" leave these channels?")
	if err == nil && !agreed {
		a.Say("would have %s leave %s; nothing was changed. Do it with --yes", user.UserId(), terminal.Count(len(list), "channel"))
	}
	return agreed, err
}

func (a command) print(out terminal.Format, user push.Uid, list []string) error {
	p := a.List(out, "USER", "CHANNEL")
	for _, name := range list {
		p.Add(line{user.String(), name}, user.UserId(), name)
	}
	return p.Close()
}
