package config

import (
	"fmt"
	"slices"
)

// overlap says why a device would be told twice: by h and by one of those before it.
func overlap(before []Handler, h Handler) (found problems) {
	if h.Type == "stdout" || h.Type == "webhook" || !h.Common.Enabled { // they do not send to devices
		return nil
	}
	for _, other := range before {
		if other.Type == h.Type && other.Name != h.Name && other.Common.Enabled {
			found = append(found, shared(other, h)...)
		}
	}
	return found
}

// shared says which devices two handlers of one type have in common.
func shared(other, h Handler) (found problems) {
	if len(other.Common.Apps) == 0 || len(h.Common.Apps) == 0 {
		return problems{{
			fmt.Sprintf("is of type %s, as entry %s is: both would send to every device", h.Type, other.Name),
			`write under "config" of both which apps are theirs: "apps":["…"]; "" stands for devices without an app`,
		}}
	}
	for _, app := range h.Common.Apps {
		if slices.Contains(other.Common.Apps, app) {
			found = append(found, problem{fmt.Sprintf("has the app %q, as entry %s has", app, other.Name), `keep it under "apps" of one of the two`})
		}
	}
	return found
}
