package push

import (
	"cmp"
	"errors"
)

// Addresser is a Handler that knows what addresses its provider has.
type Addresser interface {
	Handler
	// Address checks the address of a device and returns the device in its canonical
	// form: two spellings of one address are one device. jsonconf is the text of a
	// handler's config, or "" when none is configured; then less may be known. It may be
	// called before Init. The error says what is wrong, without the address; the device then
	// has the canonical address as far as it can be told, so that one that is registered is
	// still recognised.
	Address(jsonconf string, d Device) (Device, error)
}

// Addresses has the handler check addresses with f, for [Addresser]. It returns a.
func (a *Adapter) Addresses(f func(jsonconf string, d Device) (Device, error)) *Adapter {
	a.address = f
	return a
}

// Address implements [Addresser]; without [Adapter.Addresses] every address is as good as
// another.
func (a *Adapter) Address(jsonconf string, d Device) (Device, error) {
	if a.address == nil {
		return d, nil
	}
	return a.address(jsonconf, d)
}

// Address is d in the canonical form of its provider, which is the type of a handler. Of
// the enabled entries of that type in jsconfig, the text that [Registry.Init] gets, the
// first that takes the address counts. Without any, and of a provider that is no
// [Addresser], only what is always wrong is refused.
func (r *Registry) Address(jsconfig string, d Device) (Device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, ok := r.addresser(d.Provider)
	if !ok {
		return d, nil
	}
	entries, _ := parseEntries(jsconfig) // its faults are Init's to tell
	made := d
	var faults []error
	for _, e := range entries {
		common, err := ParseCommon(string(e.Config))
		if cmp.Or(e.Type, e.Name) != d.Provider || err != nil || !common.Enabled {
			continue
		}
		taken, err := h.Address(string(e.Config), d)
		if err == nil {
			return taken, nil
		}
		made, faults = taken, append(faults, err)
	}
	if len(faults) > 0 {
		return made, errors.Join(faults...)
	}
	return h.Address("", d)
}

// addresser is a handler of that type, not configured, that knows addresses.
func (r *Registry) addresser(kind string) (Addresser, bool) {
	h, ok := find(r.registered, kind)
	if create := r.types[kind]; !ok && create != nil {
		h = create()
	}
	a, ok := h.(Addresser)
	return a, ok
}
