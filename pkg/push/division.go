package push

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Divider is a Handler that may say, before Init too, that it sends to the devices of a
// [Directory]. Of one type there can then be several only if each lists apps of its own
// ([Common.Apps]): otherwise a device would be told twice.
type Divider interface {
	Handler
	DividesDevices() bool
}

// ToDevices says that the handler sends to the devices of a [Directory], for [Divider].
// It returns a.
func (a *Adapter) ToDevices() *Adapter {
	a.toDevices = true
	return a
}

// DividesDevices implements [Divider].
func (a *Adapter) DividesDevices() bool { return a.toDevices }

// division says which enabled entry takes the devices of which apps.
type division []portion

type portion struct {
	name, kind string
	apps       []string // none: all
}

// take notes what h, which is for e, takes, and says what of it another has taken.
func (d *division) take(e entry, h Handler) error {
	divider, ok := h.(Divider)
	common, err := ParseCommon(string(e.Config))
	if !ok || !divider.DividesDevices() || err != nil || !common.Enabled {
		return nil //nolint:nilerr // a fault is Init's to tell
	}
	p := portion{e.Name, cmp.Or(e.Type, e.Name), common.Apps}
	var faults []error
	for _, other := range *d {
		if other.kind == p.kind {
			faults = append(faults, other.overlap(p)...)
		}
	}
	*d = append(*d, p)
	if err := errors.Join(faults...); err != nil {
		return &handlerError{e.Name, err}
	}
	return nil
}

// overlap says which devices both take.
func (p portion) overlap(next portion) (faults []error) {
	if len(p.apps) == 0 || len(next.apps) == 0 {
		return []error{fmt.Errorf(`is of type %s, as handler %q is, and both would send to every device: `+
			`write under "config" of both which apps are theirs: "apps":["…"]; "" stands for devices without an app`, next.kind, p.name)}
	}
	for _, app := range next.apps {
		if slices.Contains(p.apps, app) {
			faults = append(faults, fmt.Errorf(`has the app %q, as handler %q has: keep it under "apps" of one of the two`, app, p.name))
		}
	}
	return faults
}
