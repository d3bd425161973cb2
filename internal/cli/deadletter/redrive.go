package deadletter

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/deadletter"
)

func newDeadletterRedriveCommand(a command) *cobra.Command {
	var c clearing
	cmd := &cobra.Command{
		Use:   "redrive [SEQ…|-]",
		Short: "Send letters back to their lanes",
		Long: `Sends each letter back to the lane that buried it, with no attempts counted.
Letters older than the handler's TTL expire there and are not sent. Without
--yes it asks on a terminal; elsewhere it only shows what it would do.`,
		Example: `  pushworker deadletter redrive --handler fcm --since 2h
  pushworker deadletter ls -o jsonl | pushworker deadletter redrive -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.clear(cmd, args, &c, func(conn *broker.Conn, t topology.Topology) clearingJob {
				redriver := letters.NewRedriver(conn, t)
				return clearingJob{verb: "redrive", past: "redrove", done: "redriven", ask: redriver.Check, act: redriver.Redrive}
			})
		},
	}
	addClearingFlags(a, cmd, &c)
	return cmd
}

func newDeadletterDropCommand(a command) *cobra.Command {
	var c clearing
	cmd := &cobra.Command{
		Use:   "drop [SEQ…|-]",
		Short: "Remove letters permanently",
		Long: `Removes letters and overwrites their bytes on the broker's disk. Without --yes
it asks on a terminal; elsewhere it only shows what it would do.`,
		Example: `  pushworker deadletter drop 17 --yes
  pushworker deadletter drop --reason malformed --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.clear(cmd, args, &c, func(conn *broker.Conn, t topology.Topology) clearingJob {
				reader := letters.New(conn, t)
				return clearingJob{
					verb: "drop", past: "dropped", done: "dropped",
					ask: func(context.Context, deadletter.Letter) error { return nil },
					act: func(ctx context.Context, l deadletter.Letter) (bool, error) {
						was, err := reader.Erase(ctx, l.Seq)
						return !was, err
					},
				}
			})
		},
	}
	addClearingFlags(a, cmd, &c)
	return cmd
}

func addClearingFlags(a command, cmd *cobra.Command, c *clearing) {
	addLetterFlags(a, cmd, &c.choice.letterFilter)
	app.AddChange(cmd.Flags(), &c.change)
}
