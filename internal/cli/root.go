package cli

import (
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/about"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/channel"
	"github.com/pushworker/pushworker/internal/cli/deadletter"
	"github.com/pushworker/pushworker/internal/cli/device"
	"github.com/pushworker/pushworker/internal/cli/doctor"
	"github.com/pushworker/pushworker/internal/cli/erase"
	"github.com/pushworker/pushworker/internal/cli/explain"
	"github.com/pushworker/pushworker/internal/cli/fake"
	"github.com/pushworker/pushworker/internal/cli/lane"
	"github.com/pushworker/pushworker/internal/cli/provision"
	"github.com/pushworker/pushworker/internal/cli/publish"
	"github.com/pushworker/pushworker/internal/cli/replay"
	"github.com/pushworker/pushworker/internal/cli/route"
	"github.com/pushworker/pushworker/internal/cli/run"
	"github.com/pushworker/pushworker/internal/cli/status"
	"github.com/pushworker/pushworker/internal/cli/vapid"
)

// newRootCommand puts the commands together. They are in the order in which a
// newcomer needs them.
func newRootCommand(a *app.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "pushworker",
		Short: "Takes push receipts from NATS JetStream and delivers them.",
		Long: `Takes push receipts from NATS JetStream and delivers them. You configure it with
environment variables; pushworker config docs lists them. Exit codes: 0 ok,
1 failed, 2 usage, 65 invalid input, 69 no broker, 73 data directory in use,
75 stopped and unfinished work handed back, 78 configuration.`,
		Example: `  pushworker run                     # a worker with its own broker
  pushworker publish receipt.json    # in another terminal`,
		Version:           a.Build.Version,
		Args:              app.UnknownCommand,
		RunE:              app.ShowHelp,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRun:  func(*cobra.Command, []string) { a.Started = true },
	}
	flags := root.PersistentFlags()
	flags.SortFlags = false
	a.Override(flags, "nats-url", "URL", "PUSHWORKER_NATS_URL", "servers of the broker")
	a.Override(flags, "log-level", "LEVEL", "PUSHWORKER_LOG_LEVEL", "debug, info, warn or error")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(help)
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		run.New(a),
		run.NewDemo(a),
		publish.New(a),
		status.New(a),
		device.New(a),
		channel.New(a),
		deadletter.New(a),
		replay.New(a),
		explain.New(a),
		route.New(a),
		lane.New(a),
		provision.New(a),
		erase.New(a),
		doctor.New(a),
		about.NewSchema(a),
		about.NewConfig(a),
		vapid.New(a),
		fake.New(a),
		fake.NewFCM(a, "fakefcm"),
		status.NewHealthcheck(a),
		about.NewVersion(a),
		about.NewCompletion(a),
	)
	addAliases(root)
	return root
}

// addAliases gives the commands the names that fingers type, too.
func addAliases(cmd *cobra.Command) {
	others := map[string][]string{"ls": {"list"}, "rm": {"remove", "delete"}, "drop": {"rm"}, "deadletter": {"deadletters", "dlq"}, "device": {"devices"}, "channel": {"channels"}, "lane": {"lanes"}}
	cmd.Aliases = append(cmd.Aliases, others[cmd.Name()]...)
	for _, sub := range cmd.Commands() {
		addAliases(sub)
	}
}

// flagError words an error of the flags. Flags that follow a misspelt command
// are unknown only because the command is.
func flagError(cmd *cobra.Command, err error) error {
	if cmd.HasSubCommands() {
		if args := cmd.Flags().Args(); len(args) > 0 {
			return app.UnknownCommand(cmd, args)
		}
	}
	return err
}

func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "Show the help of a command",
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil {
				err = app.UnknownCommand(about, rest)
			}
			if err != nil {
				return app.Usage(err)
			}
			return about.Help()
		},
	}
}
