package push

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// Clone returns a deep copy of r, which shares nothing that can change with r and
// is not bound to a queue: Done on it does nothing. Content of the kinds that
// JSON decodes to is copied as it is; any other map, slice, struct or pointer
// becomes its JSON text, a [json.RawMessage], as a queue would deliver it, unless
// encoding/json refuses it: then it is shared.
func (r *Receipt) Clone() *Receipt {
	c := *r
	c.done, c.tracer = nil, nil
	c.To = maps.Clone(r.To)
	for uid, rcpt := range c.To {
		if rcpt.Devices != nil {
			rcpt.Devices = slices.Clone(rcpt.Devices)
			c.To[uid] = rcpt
		}
	}
	c.Payload.Content = cloneContent(r.Payload.Content)
	return &c
}

func cloneContent(content any) any {
	switch c := content.(type) {
	case nil, string:
		return c
	case json.RawMessage:
		return json.RawMessage(bytes.Clone(c))
	case []byte:
		return bytes.Clone(c)
	case map[string]any:
		c = maps.Clone(c)
		for key, value := range c {
			c[key] = cloneContent(value)
		}
		return c
	case []any:
		c = slices.Clone(c)
		for i, value := range c {
			c[i] = cloneContent(value)
		}
		return c
	}
	return cloneOther(content)
}

// cloneOther copies what is not of a kind that JSON decodes to.
func cloneOther(content any) any {
	switch kind := reflect.TypeOf(content).Kind(); {
	case kind <= reflect.Complex128, kind == reflect.String: // cannot change
		return content
	}
	text, err := json.Marshal(content)
	if err != nil { // no handler can send it either
		return content
	}
	return json.RawMessage(text)
}
