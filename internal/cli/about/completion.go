package about

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
)

// NewCompletion returns the command completion.
func NewCompletion(shared *app.App) *cobra.Command {
	a := command{shared}
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
			if err := completion(cmd.Root(), args[0], a.Stdout); err != nil {
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
