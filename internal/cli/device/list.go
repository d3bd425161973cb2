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
	"github.com/pushworker/pushworker/pkg/push"
)

// deviceLine is a device in a list, with a hash in place of its token.
type deviceLine struct {
	User       string       `json:"user"`
	ID         string       `json:"id"`
	Provider   string       `json:"provider"`
	Platform   string       `json:"platform"`
	App        string       `json:"app,omitempty"`
	Kind       string       `json:"kind,omitempty"`
	Env        string       `json:"env,omitempty"`
	Lang       string       `json:"lang,omitempty"`
	Activated  bool         `json:"activated,omitempty"`
	Failing    push.Failing `json:"failing,omitzero"`
	Registered time.Time    `json:"registered,omitzero"`
	TokenHash  string       `json:"token_hash"`
}

func newDeviceListCommand(a command) *cobra.Command {
	var user push.Uid
	var reveal bool
	var out terminal.Format
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the devices of a user",
		Long: `Lists the devices of a user, the oldest registration first. It shows a hash of
each token instead of the token. Logs and events show the same hash.`,
		Example: `  pushworker device ls --user usr782riWdFIwE
  pushworker device ls --user 81985529216486895 --reveal -o jsonl`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user.IsZero() {
				return app.Usage(app.ErrNoUser)
			}
			return a.devices(cmd.Context(), false, func(dir *devices.Directory) error {
				list, err := dir.List(cmd.Context(), user)
				if err != nil {
					return deviceError(err)
				}
				return a.printDevices(out, list, reveal, dir.Hash)
			})
		},
	}
	app.AddUser(cmd, &user)
	terminal.AddFormat(cmd, &out)
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show tokens in full")
	return cmd
}

func (a command) printDevices(out terminal.Format, list []push.Device, reveal bool, hash func(string) string) error {
	header := []string{"ID", "PROVIDER", "PLATFORM", "LANG", "AGE", "TOKEN"}
	wide := slices.ContainsFunc(list, func(d push.Device) bool { return d.Extra != nil })
	if wide { // most users have no device with these
		header = append(header, "APP", "KIND", "ENV")
	}
	p := a.List(out, header...)
	for _, d := range list {
		token, e := hash(d.Token), d.More()
		var line any = deviceLine{d.User.String(), d.ID, d.Provider, d.Platform, e.App, e.Kind, e.Env, d.Lang, e.Activated, e.Failing, d.Registered, token}
		if reveal {
			line, token = d, d.Token
		}
		row := []string{d.ID, d.Provider, d.Platform, d.Lang, terminal.Age(d.Registered), token}
		if wide {
			row = append(row, e.App, e.Kind, e.Env)
		}
		p.Add(line, row...)
	}
	return p.Close()
}

func newDeviceExportCommand(a command) *cobra.Command {
	var reveal, quiet bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all devices as JSON Lines, tokens included",
		Long: `Writes all devices as JSON Lines, for a copy or for pushworker device import.
The lines contain complete tokens, which are personal data.`,
		Example: `  pushworker device export > devices.jsonl
  pushworker device export | pushworker --nats-url other:4222 device import -`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if terminal.IsTerminal(a.Stdout) && !reveal {
				return app.Usage(errors.New("the lines contain complete tokens: write them to a file or a pipe, or give --reveal"))
			}
			return a.ownDevices(cmd.Context(), false, func(dir *devices.Directory) error { return a.export(cmd.Context(), dir, quiet) })
		},
	}
	cmd.Flags().BoolVar(&reveal, "reveal", false, "write tokens to a terminal, too")
	app.AddQuiet(cmd.Flags(), &quiet)
	return cmd
}

// export writes every device. A user whose devices cannot be read is told, and the
// others follow.
func (a command) export(ctx context.Context, dir *devices.Directory, quiet bool) error {
	p := a.List(terminal.FormatLines)
	shown := a.Show(&app.Progress{What: "exporting", Total: -1, Quiet: quiet || terminal.IsTerminal(a.Stdout)})
	var failed error
	for d, err := range dir.All(ctx) {
		if failed = errors.Join(failed, err); err == nil {
			p.Add(d)
			shown.Step()
		}
		if p.Err != nil {
			break
		}
	}
	shown.Stop()
	err := p.Close()
	if !quiet && err == nil {
		a.Say("exported %s", terminal.Count(int(shown.Done()), "device"))
	}
	if failed != nil {
		failed = app.Unavailable(fmt.Errorf("the export is not complete: %w", failed))
	}
	return errors.Join(failed, err)
}
