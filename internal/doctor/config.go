package doctor

import (
	"context"
	"errors"

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
		for _, err := range apart(handlers) {
			found = append(found, fail("handlers", err.Error(), "correct PUSHWORKER_HANDLERS; config/handlers.example.json has one that works"))
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

// apart takes a joined error apart.
func apart(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok && len(joined.Unwrap()) > 1 {
		return joined.Unwrap()
	}
	return []error{err}
}
