package main

import (
	"github.com/spf13/cobra"
)

// newRootCommand puts the commands together. They are in the order in which a
// newcomer needs them.
func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "pushworker",
		Short: "Takes push receipts from NATS JetStream and delivers them.",
		Long: `Takes push receipts from NATS JetStream and delivers them. Settings are
environment variables: pushworker config docs. Exit codes: 0 ok, 1 failed,
2 usage, 65 invalid input, 69 no broker, 73 data directory in use, 75 stopped
with work unfinished, which was handed back, 78 configuration.`,
		Example: `  pushworker run                     # a worker with its own broker
  pushworker publish receipt.json    # in another terminal`,
		Version:           a.build.Version,
		Args:              unknownCommand,
		RunE:              showHelp,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRun:  func(*cobra.Command, []string) { a.started = true },
	}
	flags := root.PersistentFlags()
	flags.SortFlags = false
	a.override(flags, "nats-url", "URL", "PUSHWORKER_NATS_URL", "servers of the broker")
	a.override(flags, "log-level", "LEVEL", "PUSHWORKER_LOG_LEVEL", "debug, info, warn or error")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(help)
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		newRunCommand(a),
		newDemoCommand(a),
		newPublishCommand(a),
		newStatusCommand(a),
		newDeviceCommand(a),
		newDeadletterCommand(a),
		newReplayCommand(a),
		newExplainCommand(a),
		newRouteCommand(a),
		newLaneCommand(a),
		newEraseCommand(a),
		newDoctorCommand(a),
		newSchemaCommand(a),
		newConfigCommand(a),
		newFakeCommand(a),
		newFakeFCMCommand(a, "fakefcm"),
		newHealthcheckCommand(a),
		newVersionCommand(a),
		newCompletionCommand(a),
	)
	addAliases(root)
	return root
}

// addAliases gives the commands the names that fingers type, too.
func addAliases(cmd *cobra.Command) {
	others := map[string][]string{"ls": {"list"}, "rm": {"remove", "delete"}, "drop": {"rm"}, "deadletter": {"deadletters", "dlq"}, "device": {"devices"}, "lane": {"lanes"}}
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
			return unknownCommand(cmd, args)
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
				err = unknownCommand(about, rest)
			}
			if err != nil {
				return usageError(err)
			}
			return about.Help()
		},
	}
}
