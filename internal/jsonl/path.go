package jsonl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Path is where in a document a value is: the names of members and the
// numbers of elements on the way. As a flag it is written payload.seq or
// $.payload.seq.
type Path []string

// Set implements pflag.Value.
func (p *Path) Set(s string) error {
	steps := strings.Split(strings.TrimPrefix(s, "$."), ".")
	for _, step := range steps {
		if step == "" || step == "$" {
			return errors.New("write the names on the way with dots between: payload.seq")
		}
	}
	*p = steps
	return nil
}

// String implements pflag.Value.
func (p *Path) String() string { return strings.Join(*p, ".") }

// Type implements pflag.Value.
func (p *Path) Type() string { return "PATH" }

// Find returns the string, number or truth value that is there as text.
func (p *Path) Find(doc []byte) (string, error) {
	at := json.RawMessage(doc)
	for i, step := range *p {
		next, ok := member(at, step)
		if !ok {
			return "", fmt.Errorf("there is no %s", strings.Join((*p)[:i+1], "."))
		}
		at = next
	}
	text := string(at)
	var s string
	switch {
	case text == "null" || text[0] == '{' || text[0] == '[':
		return "", fmt.Errorf("%s is neither text nor a number", p)
	case text[0] != '"':
		return text, nil
	case json.Unmarshal(at, &s) != nil || s == "" || strings.ContainsFunc(s, unprintable):
		return "", fmt.Errorf("%s is empty or has characters that do not print", p)
	}
	return s, nil
}

// unprintable reports whether r is neither printed nor joins characters that are.
func unprintable(r rune) bool {
	const nonJoiner, joiner = 0x200c, 0x200d
	return r == unicode.ReplacementChar || !unicode.IsPrint(r) && r != nonJoiner && r != joiner
}

// member returns the member of an object, or the element of an array, that step
// names.
func member(of json.RawMessage, step string) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(of, &object) == nil {
		value, ok := object[step]
		return value, ok
	}
	var array []json.RawMessage
	i, err := strconv.Atoi(step)
	if json.Unmarshal(of, &array) != nil || err != nil || i < 0 || i >= len(array) {
		return nil, false
	}
	return array[i], true
}
