package worker

import (
	"fmt"

	"github.com/pushworker/pushworker/pkg/push"
)

// Check finds what is wrong with the handlers' own configuration, which only they
// know: it configures and stops them, and touches nothing else. The error wraps
// [ErrHandlers].
func (w Worker) Check() error {
	return w.Look(&lateDirectory{}, func(string, push.Handler) {})
}

// Address checks the address of a device and returns the device in its canonical form,
// as the handlers of its provider are configured; see [push.Registry.Address].
func (w Worker) Address(d push.Device) (push.Device, error) {
	var r push.Registry
	w.Plugins(&r, &lateDirectory{})
	text, err := registryConfig(w.Config.Handlers)
	if err != nil {
		return d, fmt.Errorf("read the handlers' configuration: %w", err)
	}
	return r.Address(text, d) //nolint:wrapcheck // it is the reason
}

// Look configures the handlers, lets look see each in the order of the
// configuration, and stops them. A disabled handler is nil to look. They ask
// directory for devices. The error wraps [ErrHandlers]; then look has seen none.
func (w Worker) Look(directory push.Directory, look func(name string, h push.Handler)) error {
	hs, err := w.handlers(directory)
	if err != nil {
		return err
	}
	defer hs.registry.Stop()
	for _, entry := range w.Config.Handlers {
		look(entry.Name, hs.find(entry.Name))
	}
	return nil
}

// Start configures and starts the first of the enabled handlers, which the caller
// stops. It asks directory for devices. The error wraps [ErrHandlers].
func (w Worker) Start(directory push.Directory) (push.Handler, error) {
	hs, err := w.handlers(directory)
	if err != nil {
		return nil, err
	}
	return hs.enabled[0].handler, nil
}

// find is an enabled handler; nil if there is none of that name.
func (hs *handlers) find(name string) push.Handler {
	for _, h := range hs.enabled {
		if h.name == name {
			return h.handler
		}
	}
	return nil
}
