package about

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// NewVersion returns the command version.
func NewVersion(shared *app.App) *cobra.Command {
	a := command{shared}
	var asJSON terminal.Format
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Example: `  pushworker version
  pushworker version -o json`,
		Args: app.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON != terminal.FormatTable {
				return json.NewEncoder(a.Stdout).Encode(a.Build)
			}
			_, err := fmt.Fprintf(a.Stdout, "pushworker %s\n", a.Build)
			return err
		},
	}
	terminal.AddFormat(cmd, &asJSON)
	return cmd
}
