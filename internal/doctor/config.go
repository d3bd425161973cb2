package doctor

import (
	"context"
	"strings"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/pkg/push"
)

// Configuration tells the faults of variables and handlers, and the warnings.
// handlers is what the handlers themselves say; nil when nothing is wrong.
func Configuration(faults, warnings []config.Fault, handlers error) Group {
	return Group{"config", func(context.Context) []push.Finding {
		var found []push.Finding
		for _, f := range faults {
			found = append(found, fail(f.Variable, f.Problem, f.Hint+" (docs/configuration.md)"))
		}
		for _, text := range lines(handlers) {
			found = append(found, fail("handlers", text, "correct PUSHWORKER_HANDLERS; deploy/config/handlers.example.json has one that works"))
		}
		for _, f := range warnings {
			found = append(found, warn(f.Variable, f.Problem, f.Hint))
		}
		if len(faults) == 0 && handlers == nil {
			found = append(found, ok("variables", "the configuration is usable"))
		}
		return found
	}}
}

// lines are the faults in a joined error.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}
