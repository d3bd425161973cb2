package about

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/schema"
)

// NewSchema returns the command schema.
func NewSchema(shared *app.App) *cobra.Command {
	a := command{shared}
	return &cobra.Command{
		Use:   "schema receipt|device|asyncapi",
		Short: "Write the schemas of receipts, devices and messages",
		Long: `Writes the JSON Schema (2020-12) of a receipt or of a device, or the AsyncAPI
3.0.0 document of everything that goes over the broker: subjects, headers,
messages and examples. Fields that a schema does not name are allowed and
ignored.`,
		Example: `  pushworker schema receipt > receipt.schema.json
  pushworker schema asyncapi > asyncapi.json`,
		Args:                  oneDocument,
		ValidArgs:             documents(),
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := io.WriteString(a.Stdout, schemas()[args[0]]()); err != nil {
				return fmt.Errorf("write the schema: %w", err)
			}
			return nil
		},
	}
}

func schemas() map[string]func() string {
	return map[string]func() string{"receipt": schema.Receipt, "device": schema.Device, "asyncapi": schema.AsyncAPI}
}

func documents() []string { return slices.Sorted(maps.Keys(schemas())) }

func oneDocument(_ *cobra.Command, args []string) error {
	if len(args) != 1 || schemas()[args[0]] == nil {
		return fmt.Errorf("name one of %s", strings.Join(documents(), ", "))
	}
	return nil
}
