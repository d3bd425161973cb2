package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/worker"
)

// completionTimeout is how long completion looks for the broker.
const completionTimeout = 500 * time.Millisecond

func newCompletionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Write a shell's completion script",
		Example: `  source <(pushworker completion bash)
  pushworker completion zsh > "${fpath[1]}/_pushworker"
  pushworker completion fish > ~/.config/fish/completions/pushworker.fish
  pushworker completion powershell | Out-String | Invoke-Expression`,
		Args:                  oneShell,
		ValidArgs:             shells(),
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := completion(cmd.Root(), args[0], a.stdout); err != nil {
				return fmt.Errorf("write completion script: %w", err)
			}
			return nil
		},
	}
}

func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

func oneShell(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !slices.Contains(shells(), args[0]) {
		return fmt.Errorf("name one shell of %s", strings.Join(shells(), ", "))
	}
	return nil
}

func completion(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(w)
	}
	return root.GenBashCompletionV2(w, true)
}

// completeHandler completes the name of a configured handler.
func (a *app) completeHandler(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	c, err := config.Load(a.env, a.overrides)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return handlerNames(c), cobra.ShellCompDirectiveNoFileComp
}

// completeLane completes the name of a lane, once: a configured handler, or one
// that has its durables at the broker, which may be another machine's.
func (a *app) completeLane(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeLanes(cmd, args, "")
}

// completeLanes is completeLane for a flag.
func (a *app) completeLanes(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, err := config.Load(a.env, a.overrides)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := append(handlerNames(c), lanesAtBroker(cmd.Context(), c)...)
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

func handlerNames(c *config.Config) []string {
	names := make([]string, 0, len(c.Handlers))
	for _, h := range c.Handlers {
		names = append(names, h.Name)
	}
	return names
}

// lanesAtBroker returns none when the broker does not answer at once: somebody
// waits at a prompt.
func lanesAtBroker(ctx context.Context, c *config.Config) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	o := worker.BrokerOptions(c, "pushworker completion")
	o.Log = zerolog.Nop()
	conn, err := broker.Connect(ctx, o)
	if err != nil {
		return nil
	}
	defer conn.Close()
	names, err := conn.LaneNames(ctx, worker.Topology(c, nil))
	if err != nil {
		return nil
	}
	return names
}
