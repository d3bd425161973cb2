package worker

import (
	"errors"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/pkg/push"
)

// Check finds what is wrong with the handlers' own configuration, which only they
// know, and with the statements of a directory: it configures and stops the handlers,
// and touches nothing else. The error wraps [ErrHandlers] or [directory.ErrConfig].
func (w Worker) Check() error {
	return errors.Join(w.checkDirectory(), w.Look(&lateDirectory{}, func(string, push.Handler) {}))
}

// Warnings are what of the handlers' configuration deserves a look, though it can be used.
func (w Worker) Warnings() (all []string) {
	_ = w.Look(&lateDirectory{}, func(name string, h push.Handler) {
		if warner, ok := h.(push.Warner); ok {
			for _, text := range warner.Warnings() {
				all = append(all, "handler "+name+": "+text)
			}
		}
	})
	return all // none of a configuration that Check refuses
}

// Addresser returns what checks the address of a device and returns the device in its
// canonical form, as the handlers of its provider are configured; see
// [push.Registry.Address].
func (w Worker) Addresser() func(push.Device) (push.Device, error) {
	r := &push.Registry{}
	w.Plugins(r, &lateDirectory{})
	byType := make(map[string]config.HandlerList)
	for _, h := range w.Config.Handlers {
		byType[h.Type] = append(byType[h.Type], h)
	}
	texts := make(map[string]string, len(byType))
	for kind, list := range byType {
		texts[kind], _ = registryConfig(list) // which is JSON that was read before
	}
	return func(d push.Device) (push.Device, error) { return r.Address(texts[d.Provider], d) }
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
