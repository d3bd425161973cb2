package channel

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// line is a user in a channel, in a list.
type line struct {
	User    string `json:"user"`
	Channel string `json:"channel"`
}

func newList(a command) *cobra.Command {
	var r channel.Request
	var out terminal.Format
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List who is in which channel",
		Long: `Lists the channels of a user, the users in a channel, or, without --user and
--channel, who is in which channel. Only with --user it does not read all of
them. How many subscriptions are waiting, pushworker status says.`,
		Example: `  pushworker channel ls --user usr782riWdFIwE
  pushworker channel ls --channel chnnG99YhENiQU
  pushworker channel ls -o jsonl > channels.jsonl`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.channels(cmd.Context(), false, func(d *channels.Directory) error {
				if r.User.IsZero() {
					return a.listAll(cmd.Context(), d, out, r.Channel)
				}
				list, err := d.List(cmd.Context(), r.User)
				if err != nil {
					return fault(err)
				}
				return a.print(out, r.User, matching(list, r.Channel))
			})
		},
	}
	addFlags(cmd, &r)
	terminal.AddFormat(cmd, &out)
	return cmd
}

// matching are those of list with a name; all of them if it is empty.
func matching(list []string, name string) (some []string) {
	for _, c := range list {
		if name == "" || c == name {
			some = append(some, c)
		}
	}
	return some
}

func (a command) listAll(ctx context.Context, d *channels.Directory, out terminal.Format, name string) error {
	p := a.List(out, "USER", "CHANNEL")
	for m, err := range d.All(ctx) {
		if err != nil {
			_ = p.Close() // the error says that the list is not complete
			return app.Unavailable(fmt.Errorf("the list is not complete: %w", err))
		}
		if name == "" || m.Channel == name {
			p.Add(line{m.User.String(), m.Channel}, m.User.UserId(), m.Channel)
		}
	}
	return p.Close()
}
