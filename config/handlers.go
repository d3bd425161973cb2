package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tailscale/hujson"

	"github.com/pushworker/pushworker/pkg/push"
)

// Handler is one entry of PUSHWORKER_HANDLERS.
type Handler struct {
	// Name is the handler's name; it is also the name of its durable.
	Name string
	// Type is the code behind it; the name when the entry has none.
	Type string
	// Start is where the lane begins when its durables are made for the first time:
	// new, oldest or an RFC 3339 time; empty for what fits the stream.
	Start string
	// Config is the handler's config as the operator wrote it, byte for byte; nil
	// when the entry has none. It may hold credentials.
	Config json.RawMessage
	// Common holds the keys of Config that every handler may have.
	Common push.Common
}

// DryRun reports whether the handler's provider checks pushes and delivers none.
func (h Handler) DryRun() bool {
	var keys struct {
		DryRun bool `json:"dry_run"`
	}
	return json.Unmarshal(h.Config, &keys) == nil && keys.DryRun
}

// String returns h as JSON, with everything in the config masked but the keys
// that all handlers have in common, and booleans, which are no secrets: whether a handler
// only pretends to send must be seen.
func (h Handler) String() string {
	shown := struct {
		Name   string `json:"name"`
		Type   string `json:"type,omitempty"`
		Start  string `json:"start,omitempty"`
		Config any    `json:"config,omitempty"`
	}{Name: h.Name, Start: h.Start}
	if h.Type != h.Name {
		shown.Type = h.Type
	}
	var keys map[string]json.RawMessage
	switch {
	case json.Unmarshal(h.Config, &keys) == nil:
		shown.Config = maskKeys(keys)
	case h.Config != nil:
		shown.Config = masked
	}
	text, err := json.Marshal(shown)
	if err != nil { // every part is valid JSON already
		return masked
	}
	return string(text)
}

func maskKeys(keys map[string]json.RawMessage) map[string]json.RawMessage {
	for key := range keys {
		switch key {
		case "enabled", "buffer", "concurrency", "timeout", "retry", "apps":
		default:
			if text := string(keys[key]); text != "true" && text != "false" {
				keys[key] = json.RawMessage(`"` + masked + `"`)
			}
		}
	}
	return keys
}

// Format writes what String returns, whatever the verb.
func (h Handler) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(h.String())) }

// MarshalText returns what String returns.
func (h Handler) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// HandlerList is the value of PUSHWORKER_HANDLERS.
type HandlerList []Handler //nolint:recvcheck // only decoding needs the pointer; printing must work on values

// String returns l as a JSON array, masked as [Handler.String] does.
func (l HandlerList) String() string {
	texts := make([]string, len(l))
	for i, h := range l {
		texts[i] = h.String()
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// Format writes what String returns, whatever the verb.
func (l HandlerList) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(l.String())) }

// nameRunes are what names of handlers, durables and streams are made of.
const nameRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// Decode implements envconfig.Decoder. It reports every fault of every entry and
// quotes no value but names. Value may have what Tinode's configuration has, from which
// entries are copied: comments, and commas after the last member.
func (l *HandlerList) Decode(value string) error {
	plain, err := hujson.Standardize([]byte(value))
	if err != nil {
		return problems{syntaxProblem(err)}
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(plain, &entries); err != nil {
		return problems{{"is not a JSON array", `write [{"name":"stdout","config":{"enabled":true}}]`}}
	}
	*l = nil
	var all problems
	for i, raw := range entries {
		h, found := decodeHandler(raw)
		where := "entry " + strconv.Itoa(i+1)
		if h.Name != "" {
			where += " (" + h.Name + ")"
		}
		if slices.ContainsFunc(*l, func(other Handler) bool { return other.Name == h.Name && h.Name != "" }) {
			found = append(found, problem{"has the same name as an earlier entry", "remove one of the two, or rename it"})
		}
		for _, p := range found {
			all = append(all, problem{where + ": " + p.what, p.hint})
		}
		*l = append(*l, h)
	}
	return all.orNil()
}

// decodeHandler reads one entry. As everywhere in the handlers' configuration,
// keys match in any case, and those that begin with _ or $ are comments.
func decodeHandler(raw json.RawMessage) (Handler, problems) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return Handler{}, problems{{"is not an object", `write {"name":"stdout","config":{"enabled":true}}`}}
	}
	var h Handler
	var found problems
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		found = append(found, member(&h, key, keys[key])...)
	}
	if h.Name == "" {
		found = append(found, problem{`has no usable "name"`, "use 1 to 32 letters, digits, - and _"})
	}
	h.Type = cmp.Or(h.Type, h.Name)
	common, err := push.ParseCommon(string(h.Config))
	for _, fault := range split(err) {
		found = append(found, problem{fault.Error(), `correct it under "config"`})
	}
	h.Common = common
	return h, found
}

// member reads one member of an entry into h.
func member(h *Handler, key string, value json.RawMessage) problems {
	switch {
	case strings.EqualFold(key, "name"):
		if err := json.Unmarshal(value, &h.Name); err != nil || !isName(h.Name) {
			h.Name = ""
		}
	case strings.EqualFold(key, "type"):
		if err := json.Unmarshal(value, &h.Type); err != nil || !isName(h.Type) {
			h.Type = ""
			return problems{{`has an unknown "type"`, "name a handler such as fcm, or leave it out if the name is that"}}
		}
	case strings.EqualFold(key, "start"):
		if err := json.Unmarshal(value, &h.Start); err != nil || !isStart(h.Start) {
			return problems{{`has an unknown "start"`, `write "new", "oldest" or a time such as "2026-12-01T08:00:00Z"`}}
		}
	case strings.EqualFold(key, "config"):
		h.Config = value
	case !strings.HasPrefix(key, "_") && !strings.HasPrefix(key, "$"):
		return problems{{"has the key " + quote(key), `an entry has "name", "type", "start" and "config"; put the handler's settings under "config"`}}
	}
	return nil
}

// standIns finds values that mean the default and read as if they meant something else.
func standIns(text json.RawMessage) (found []problem) {
	var keys map[string]json.RawMessage
	if json.Unmarshal(text, &keys) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		value := string(keys[name])
		switch {
		case strings.EqualFold(name, "buffer") && strings.HasPrefix(value, "-"):
			found = append(found, problem{`"buffer" is negative, which means the default`, "leave it out, or set how many receipts may wait"})
		case strings.EqualFold(name, "timeout") && (value == "0" || value == `"0"` || value == `"0s"`):
			found = append(found, problem{`"timeout" is 0, which means the default, 30s, and not that there is none`, "leave it out, or set how long a receipt may take"})
		}
	}
	return found
}

// split takes a joined error apart.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// isStart reports whether a lane can start there.
func isStart(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return s == "new" || s == "oldest" || err == nil
}

func isName(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, nameRunes) == ""
}

// syntaxProblem says where JSON is wrong, without the text that is there.
func syntaxProblem(err error) problem {
	where := ""
	var line, column int
	if n, _ := fmt.Sscanf(err.Error(), "hujson: line %d, column %d", &line, &column); n == 2 {
		where = fmt.Sprintf(" at line %d, column %d", line, column)
	}
	return problem{"is not valid JSON" + where, "look for a missing quote, a comma too many or too few, or text after the array"}
}
