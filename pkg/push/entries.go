package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// entry is one element of the array that [Registry.Init] reads.
type entry struct {
	Name   string          `json:"name"`
	Type   string          `json:"type"` // empty: the name
	Config json.RawMessage `json:"config"`
}

const (
	nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	maxName   = 32
)

func isName(s string) bool {
	return s != "" && len(s) <= maxName && strings.Trim(s, nameChars) == ""
}

// parseEntries reads the array. It returns the entries that it understood, and
// the faults of the others.
func parseEntries(jsconfig string) ([]entry, error) {
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(jsconfig), &list); err != nil {
		return nil, fmt.Errorf(`parse push config: %w: want an array like [{"name":"stdout","config":{}}]`, jsonFault(err))
	}
	var faults []error
	entries := make([]entry, 0, len(list))
	for i, text := range list {
		var e entry
		d := configDecoder{where: fmt.Sprintf("push config, entry %d: ", i+1)}
		d.text(string(text), reflect.ValueOf(&e).Elem())
		switch {
		case len(d.faults) > 0:
		case e.Name == "":
			d.fault("", `no "name": give the name of a handler`)
		case !isName(e.Name):
			d.fault("", fmt.Sprintf("name %q: use 1 to 32 letters, digits, - and _", e.Name))
		case slices.ContainsFunc(entries, func(other entry) bool { return other.Name == e.Name }):
			d.fault("", fmt.Sprintf("handler %q is listed a second time: remove one of the two", e.Name))
		default:
			entries = append(entries, e)
		}
		faults = append(faults, d.faults...)
	}
	return entries, errors.Join(faults...)
}

// handlerError says whose the faults are, which may be several, a line each.
type handlerError struct {
	name string
	err  error
}

func (e *handlerError) Error() string {
	whose := fmt.Sprintf("handler %q: ", e.name)
	return whose + strings.ReplaceAll(e.err.Error(), "\n", "\n"+whose)
}

func (e *handlerError) Unwrap() error { return e.err }
