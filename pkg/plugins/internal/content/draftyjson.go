package content

import (
	"encoding/json"
	"slices"
)

// loose types take what is of their kind and ignore the rest.
type (
	looseString string
	looseObject map[string]json.RawMessage
)

// UnmarshalJSON implements [json.Unmarshaler].
func (l *looseString) UnmarshalJSON(b []byte) error {
	s, _ := stringValue(b)
	*l = looseString(s)
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *looseObject) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return nil
	}
	return json.Unmarshal(b, (*map[string]json.RawMessage)(l))
}

type rawSpan struct {
	Tp  looseString     `json:"tp"`
	At  float64         `json:"at"`
	Len float64         `json:"len"`
	Key json.RawMessage `json:"key"` // of no interest if there is a type
}

type rawEntity struct {
	Tp   looseString `json:"tp"`
	Data looseObject `json:"data"`
}

// decodeList reads an array of objects and leaves out nulls. Anything else but an
// array, and an empty one, is nil. In place of an element that is no such object
// stands bad, and that is an error.
func decodeList[T any](raw json.RawMessage, bad *T) ([]*T, error) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, nil
	}
	var list []*T
	err := json.Unmarshal(raw, &list)
	if err != nil {
		list, err = decodeEach(raw, bad), errFormat
	}
	if len(list) == 0 {
		return nil, err
	}
	return slices.DeleteFunc(list, func(e *T) bool { return e == nil }), err
}

func decodeEach[T any](raw json.RawMessage, bad *T) []*T {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil
	}
	list := make([]*T, len(elements))
	for i, element := range elements {
		if json.Unmarshal(element, &list[i]) != nil {
			list[i] = bad
		}
	}
	return list
}
