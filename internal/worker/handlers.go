package worker

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// ErrHandlers says that the handlers' configuration is unusable. It is a
// configuration fault.
var ErrHandlers = errors.New("handlers cannot be configured")

// handlers are the configured handlers of this process.
type handlers struct {
	registry *push.Registry
	enabled  []handler
	disabled []string
	dry      []string // those of enabled that have a provider check pushes and deliver none
	keepers  keepers
}

type handler struct {
	name    string
	kind    string // its type
	handler push.Handler
	policy  retry.Policy
}

// handlers configures and starts the handlers. They get directory.
func (w Worker) handlers(directory push.Directory) (*handlers, error) {
	hs := &handlers{registry: &push.Registry{}}
	w.Plugins(hs.registry, directory)
	text, err := registryConfig(w.Config.Handlers)
	if err == nil {
		err = hs.registry.Init(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHandlers, err)
	}
	hs.sort(w.Config.Handlers, w.policy())
	if len(hs.enabled) == 0 {
		hs.registry.Stop()
		return nil, fmt.Errorf(`%w: none is enabled; set "enabled": true for one in PUSHWORKER_HANDLERS`, ErrHandlers)
	}
	return hs, nil
}

// warn logs what of the enabled handlers' configuration deserves a look.
func (hs *handlers) warn(log zerolog.Logger) {
	for _, h := range hs.enabled {
		if warner, ok := h.handler.(push.Warner); ok {
			for _, text := range warner.Warnings() {
				log.Warn().Str("lane", h.name).Str("warning", text).Msg("a setting of the handler deserves a look")
			}
		}
	}
}

// registryConfig is the text that push.Registry.Init takes.
func registryConfig(list config.HandlerList) (string, error) {
	type entry struct {
		Name   string          `json:"name"`
		Type   string          `json:"type"`
		Config json.RawMessage `json:"config,omitempty"`
	}
	entries := make([]entry, len(list))
	for i, h := range list {
		entries[i] = entry{Name: h.Name, Type: h.Type, Config: h.Config}
	}
	text, err := json.Marshal(entries)
	return string(text), err
}

// sort tells enabled handlers from disabled ones, both in the order of the list.
func (hs *handlers) sort(list config.HandlerList, p retry.Policy) {
	i := 0
	for name, h := range hs.registry.Configured() {
		if common := list[i].Common; common.Enabled {
			own := p
			if r, ok := h.(push.Retrier); ok {
				own = override(own, r.Retry())
			}
			hs.enabled = append(hs.enabled, handler{name: name, kind: list[i].Type, handler: h, policy: override(own, common.Retry)})
			if list[i].DryRun() {
				hs.dry = append(hs.dry, name)
			}
		} else {
			hs.disabled = append(hs.disabled, name)
		}
		i++
	}
}

func (hs *handlers) names() []string {
	names := make([]string, len(hs.enabled))
	for i, h := range hs.enabled {
		names[i] = h.name
	}
	return names
}

// testers are those that send test pushes.
func (hs *handlers) testers() []devices.Tester {
	all := []devices.Tester{} // also without any it is a process that has handlers
	for _, h := range hs.enabled {
		tester, ok := h.handler.(push.Tester)
		if !ok {
			continue
		}
		t := devices.Tester{Handler: h.name, Provider: h.kind, Test: tester.Test, Activates: func(push.Device) bool { return false }}
		if a, ok := h.handler.(push.Activator); ok {
			t.Activates = a.Activates
		}
		all = append(all, t)
	}
	return all
}

// policy is the retry policy of the configuration.
func (w Worker) policy() retry.Policy {
	c := w.Config.Retry
	return retry.Policy{Base: c.Base, Cap: c.Cap, MaxAge: c.MaxAge, MaxAttempts: c.MaxAttempts}
}

// override replaces what a handler's own config sets.
func override(p retry.Policy, r push.RetryConfig) retry.Policy {
	if r.Base > 0 {
		p.Base = r.Base
	}
	if r.Cap > 0 {
		p.Cap = r.Cap
	}
	if r.MaxAge > 0 {
		p.MaxAge = r.MaxAge
	}
	if r.MaxAttempts > 0 {
		p.MaxAttempts = r.MaxAttempts
	}
	return p
}
