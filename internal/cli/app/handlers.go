package app

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// CheckHandlers finds what is wrong with the handlers' own configuration, which c
// has, or the error in its place, as far as the error does not tell it.
func (a *App) CheckHandlers(c *config.Config, err error) error {
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if ok {
		c = &config.Config{Handlers: invalid.Handlers}
	}
	if c == nil || len(c.Handlers) == 0 {
		return nil
	}
	plugins := func(r *push.Registry, d push.Directory) { a.Plugins(r, d, io.Discard) }
	err = worker.Worker{Config: c, Plugins: plugins}.Check()
	if !ok || err == nil {
		return err
	}
	return withoutTold(err, invalid.Faults)
}

// WarnHandlers says what of the handlers' own configuration deserves a look.
func (a *App) WarnHandlers(c *config.Config) {
	plugins := func(r *push.Registry, d push.Directory) { a.Plugins(r, d, io.Discard) }
	for _, text := range (worker.Worker{Config: c, Plugins: plugins}).Warnings() {
		a.Say("warning: %s", text)
	}
}

// withoutTold is err without those of its lines that are among the faults. Each handler
// reads the keys that all have in common, which the configuration does, too.
func withoutTold(err error, faults []config.Fault) error {
	lines := strings.Split(err.Error(), "\n")
	left := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		_, text, whose := strings.Cut(line, `": `) // after the handler's name
		return strings.Contains(line, ": none is enabled") || whose && slices.ContainsFunc(faults, func(f config.Fault) bool {
			return strings.HasSuffix(f.Problem, ": "+text)
		})
	})
	switch len(left) {
	case len(lines):
		return err
	case 0:
		return nil
	}
	return fmt.Errorf("%w: %s", worker.ErrHandlers, strings.TrimPrefix(strings.Join(left, "\n"), worker.ErrHandlers.Error()+": "))
}
