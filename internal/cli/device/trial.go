package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// lookEvery is how often the command looks whether tokens have come back.
const lookEvery = 200 * time.Millisecond

func newDeviceTestCommand(a command) *cobra.Command {
	var user push.Uid
	var id string
	var out terminal.Format
	wait := app.Length(30 * time.Second)
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a real push to a user's devices and show its way",
		Long: `Sends one real push to each device of a user, through the handlers of a running
worker, and shows what the provider answered and when.

The push says what "test", and brings a token. The app gives it to the chat
server, which returns it with a request to push.devices.ack: the push has been
delivered to the phone, and the command shows that, too.`,
		Example: `  pushworker device test --user usr782riWdFIwE
  pushworker device test --user usr782riWdFIwE --id phone --wait 2m`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user.IsZero() {
				return app.Usage(app.ErrNoUser)
			}
			return a.devices(cmd.Context(), false, func(dir *devices.Directory) error {
				trials, err := dir.Test(cmd.Context(), user, id)
				if errors.Is(err, devices.ErrRefused) {
					return err
				}
				if err != nil {
					return app.Unavailable(err)
				}
				err = a.awaitReturned(cmd.Context(), dir, trials, time.Duration(wait))
				return errors.Join(err, a.printTrials(out, trials), failedTrials(trials))
			})
		},
	}
	app.AddUser(cmd, &user)
	terminal.AddFormat(cmd, &out)
	cmd.Flags().StringVar(&id, "id", "", "only the device with this `ID`")
	cmd.Flags().Var(&wait, "wait", "wait so long for the token's return; 0 for not at all")
	return cmd
}

// awaitReturned waits until all tokens that were sent have come back, or for so long.
func (a command) awaitReturned(ctx context.Context, dir *devices.Directory, trials []*devices.Trial, most time.Duration) error {
	for end := time.Now().Add(most); ; {
		out, err := dir.Returned(ctx, trials)
		if err != nil {
			return deviceError(err)
		}
		if out == 0 || !time.Now().Before(end) {
			return nil
		}
		if sleep.For(ctx, lookEvery) != nil {
			return app.Interrupted("what is known until now is shown")
		}
	}
}

// printTrials prints a line a trial, or, for people, a line a hop.
func (a command) printTrials(out terminal.Format, trials []*devices.Trial) error {
	p := a.List(out, "DEVICE", "HANDLER", "AFTER", "WHAT")
	for _, t := range trials {
		if out != terminal.FormatTable {
			p.Add(t)
			continue
		}
		for _, h := range hops(t) {
			p.Add(nil, app.DeviceName(t.Device.ID, t.Device.App, t.Device.Kind), t.Handler, h.after, h.what)
		}
	}
	return p.Close()
}

type hop struct{ after, what string }

// hops are the way of a test push, with the time since the worker took the request.
func hops(t *devices.Trial) []hop {
	after := func(at time.Time) string { return at.Sub(t.Began).Round(time.Millisecond).String() }
	way := []hop{{after(t.Began), "worker took the request"}}
	if !t.Asked.IsZero() {
		way = append(way, hop{after(t.Asked), "handler asked the provider"})
	}
	said := t.Result
	if t.Why != "" {
		said += ": " + t.Why
	}
	if t.UniqueID != "" {
		said += ", apns-unique-id " + t.UniqueID
	}
	if t.Answered.IsZero() {
		return append(way, hop{"-", said})
	}
	way = append(way, hop{after(t.Answered), "provider answered: " + said})
	switch {
	case !t.Returned.IsZero():
		way = append(way, hop{after(t.Returned), "token came back: delivered to the device"})
	case t.Result == string(push.ResultAccepted):
		way = append(way, hop{"-", "token has not come back"})
	}
	return way
}

// failedTrials is an error if a device did not get its push for another reason than that
// it needs none.
func failedTrials(trials []*devices.Trial) error {
	failed := slices.DeleteFunc(slices.Clone(trials), func(t *devices.Trial) bool {
		return t.Result == string(push.ResultAccepted) || t.Result == string(push.ResultSkipped) && t.Handler != ""
	})
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %s did not get the test push", len(failed), terminal.Count(len(trials), "device"))
}
