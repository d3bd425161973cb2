package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/pkg/push"
)

// ReachesDevices reports whether an enabled handler needs the directory of devices.
func (l HandlerList) ReachesDevices() bool {
	return slices.ContainsFunc(l, func(h Handler) bool { return h.Common.Enabled && h.Type != "stdout" && h.Type != "webhook" })
}

// Unclaimed says why no enabled handler takes d, and what to do about it. Both are empty
// if one does. Of d they say the provider and the app only.
func (l HandlerList) Unclaimed(d push.Device) (why, hint string) {
	var of []string
	for _, h := range l {
		switch {
		case !h.Common.Enabled || !d.For(h.Type):
		case h.Common.Takes(d):
			return "", ""
		default:
			of = append(of, h.Name)
		}
	}
	provider := cmp.Or(d.Provider, "no provider")
	if len(of) == 0 {
		return "no enabled handler is of type " + provider, `enable one in PUSHWORKER_HANDLERS, or remove the devices with pushworker device rm`
	}
	app := d.More().App
	which := fmt.Sprintf("app %q of %s", app, provider)
	if app == "" {
		which = "a device of " + provider + " without an app"
	}
	return which + " is claimed by no instance", fmt.Sprintf(`add %q to "apps" of %s in PUSHWORKER_HANDLERS`, app, strings.Join(of, " or "))
}
