package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Hash tells configurations apart: 12 hexadecimal digits, the same for all processes whose
// settings are the same, wherever these come from and however they are written. It is
// made of nothing secret, so two configurations that differ in a secret only have the
// same. Settings that say where a process is, or how its log looks, do not count.
func (c *Config) Hash() string {
	fields, err := fieldsOf(c)
	if err != nil {
		panic(err) // a tag of Config is wrong; no input can cause it
	}
	sum := sha256.New()
	for _, d := range fields {
		if d.own {
			continue
		}
		value := written(d.value.Interface())
		if list, ok := reflect.TypeAssert[HandlerList](d.value); ok {
			value = list.public()
		}
		if streams, ok := reflect.TypeAssert[Streams](d.value); ok { // which of them it takes is a process's own
			value = written(streams.Count)
		}
		_, _ = fmt.Fprintf(sum, "%s=%q\n", d.Name, value) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// public writes what is no secret of l, the same for all ways to write it.
func (l HandlerList) public() string {
	entries := make([]any, len(l))
	for i, h := range l {
		entries[i] = []any{h.Name, h.Type, h.Start, public("", decoded(h.Config))}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic(err) // it was JSON before
	}
	return string(text)
}

// decoded is what text says, its numbers as they are written; nil for nothing.
func decoded(text json.RawMessage) (value any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&value) // it was decoded before
	return value
}

// public is value, which stands under key, without what may be secret: texts, except of
// keys that say which app, project or server is meant.
func public(key string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		shown := make(map[string]any, len(v))
		for name, member := range v {
			if !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "$") { // comments
				shown[strings.ToLower(name)] = public(strings.ToLower(name), member)
			}
		}
		return shown
	case []any:
		shown := make([]any, len(v))
		for i, member := range v {
			shown[i] = public(key, member)
		}
		return shown
	case string:
		return publicText(key, v)
	}
	return value
}

// publicText is text if key is one whose texts are no secrets; of an address only the
// server.
func publicText(key, text string) string {
	names := []string{
		"apns_bundle_id", "apps", "base", "body", "cap", "category", "environment", "format", "key_id", "max_age",
		"origins", "project_id", "subject", "team_id", "timeout", "topic", "transport",
	}
	servers := []string{"endpoint", "token_endpoint", "topics_endpoint", "url"}
	switch {
	case slices.Contains(names, key):
		return text
	case slices.Contains(servers, key):
		if u, err := url.Parse(text); err == nil {
			return u.Scheme + "://" + u.Host
		}
	}
	return masked
}
