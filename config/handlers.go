package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Handler is one entry of PUSHWORKER_HANDLERS.
type Handler struct {
	// Name is the handler's name; it is also the name of its durable.
	Name string
	// Config is the handler's config as the operator wrote it, byte for byte; nil
	// when the entry has none. It may hold credentials.
	Config json.RawMessage
}

// String returns the name alone.
func (h Handler) String() string { return h.Name }

// HandlerList is the value of PUSHWORKER_HANDLERS. Printed, it shows the names
// and the common keys only.
type HandlerList []Handler

const nameHint = "use 1 to 32 letters, digits, - and _"

// Decode implements envconfig.Decoder. It reports every fault of every entry and
// quotes no value but names.
func (l *HandlerList) Decode(value string) error {
	var entries []json.RawMessage
	if err := json.Unmarshal([]byte(value), &entries); err != nil {
		return problems{arrayProblem([]byte(value), err)}
	}
	*l = nil
	var all problems
	for i, raw := range entries {
		h, found := decodeHandler(raw)
		where := "entry " + strconv.Itoa(i+1)
		if slices.ContainsFunc(*l, func(other Handler) bool { return other.Name == h.Name && h.Name != "" }) {
			found = append(found, problem{"names " + h.Name + " a second time", "remove one of the two, or rename it"})
		}
		for _, p := range found {
			all = append(all, problem{where + ": " + p.what, p.hint})
		}
		*l = append(*l, h)
	}
	return all.orNil()
}

func decodeHandler(raw json.RawMessage) (Handler, problems) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return Handler{}, problems{{"is not an object", `write {"name":"stdout","config":{"enabled":true}}`}}
	}
	var h Handler
	var found problems
	if err := json.Unmarshal(keys["name"], &h.Name); err != nil || !isName(h.Name) {
		h.Name = ""
		found = append(found, problem{`has no usable "name"`, nameHint})
	}
	h.Config = keys["config"]
	delete(keys, "name")
	delete(keys, "config")
	for range keys {
		found = append(found, problem{`has a key other than "name" and "config"`, `put the handler's settings under "config"`})
	}
	return h, found
}

func isName(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func arrayProblem(value []byte, err error) problem {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		read := value[:min(int(syntax.Offset), len(value))]
		line := bytes.Count(read, []byte("\n")) + 1
		column := len(read) - bytes.LastIndexByte(read, '\n') - 1
		return problem{
			fmt.Sprintf("is not valid JSON at line %d, column %d", line, column),
			"look for a missing quote, a comma too many or too few, or text after the array",
		}
	}
	return problem{"is not a JSON array", `write [{"name":"stdout","config":{"enabled":true}}]`}
}
