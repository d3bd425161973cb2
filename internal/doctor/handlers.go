package doctor

import (
	"context"
	"slices"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/pkg/push"
)

// Strangers tells in what the handlers of this configuration differ from the lanes of
// the worker that answers.
func Strangers(c *config.Config, configured, lanes []string) (found []push.Finding) {
	for _, name := range lanes {
		if !slices.Contains(configured, name) {
			found = append(found, warn(name, "the worker runs it, and PUSHWORKER_HANDLERS of this shell does not have it: its provider is not checked",
				"run doctor with the worker's environment, for example in its container"))
		}
	}
	for _, name := range configured {
		if !slices.Contains(lanes, name) && !c.IsDefault("PUSHWORKER_HANDLERS") {
			found = append(found, warn(name, "PUSHWORKER_HANDLERS of this shell has it, and the worker that answers does not run it",
				"start the worker again with this configuration, or run doctor with the worker's environment"))
		}
	}
	return found
}

// Handler has a handler look at its provider; h is nil if it is disabled.
func Handler(ctx context.Context, name string, h push.Handler) []push.Finding {
	if h == nil {
		return []push.Finding{ok(name, "is disabled")}
	}
	checker, checks := h.(push.Checker)
	if !checks {
		return nil
	}
	found := checker.Check(ctx)
	for i := range found {
		found[i].Check = name + " " + found[i].Check
	}
	if len(found) == 0 {
		found = []push.Finding{ok(name, "is configured, and has no provider to ask")}
	}
	return found
}
