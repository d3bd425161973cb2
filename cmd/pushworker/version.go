package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func newVersionCommand(a *app) *cobra.Command {
	var asJSON format
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Example: `  pushworker version
  pushworker version -o json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON != formatTable {
				return json.NewEncoder(a.stdout).Encode(a.build)
			}
			_, err := fmt.Fprintf(a.stdout, "pushworker %s\n", a.build)
			return err
		},
	}
	addFormatFlag(cmd, &asJSON)
	return cmd
}
