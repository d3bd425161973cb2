package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// errConfigText says that a config is no JSON object at all.
var errConfigText = errors.New("config is not usable")

// configDecoder decodes JSON objects into structs and collects what is wrong.
type configDecoder struct {
	// where introduces each fault.
	where string
	// ignored says which keys of the outermost object somebody else reads.
	ignored func(key string) bool
	faults  []error
}

func (d *configDecoder) fault(key, text string) {
	if key != "" {
		text = fmt.Sprintf("key %q %s", key, text)
	}
	d.faults = append(d.faults, errors.New(d.where+text))
}

// text decodes a whole config.
func (d *configDecoder) text(jsonconf string, into reflect.Value) {
	if strings.TrimSpace(jsonconf) == "" {
		return
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(jsonconf), &object); err != nil {
		d.faults = append(d.faults, fmt.Errorf("%s%w: %w: want a JSON object", d.where, errConfigText, jsonFault(err)))
		return
	}
	d.object("", object, into)
}

func (d *configDecoder) object(path string, object map[string]json.RawMessage, into reflect.Value) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		field, ok := findField(into.Type(), key)
		switch {
		case ok:
			d.value(path+key, object[key], into.FieldByIndex(field.Index))
		case strings.HasPrefix(key, "_"), strings.HasPrefix(key, "$"):
		case path == "" && d.ignored != nil && d.ignored(key):
		default:
			d.fault(path+key, "is unknown: known are "+d.known(path, into.Type()))
		}
	}
}

func (d *configDecoder) value(key string, text json.RawMessage, into reflect.Value) {
	null := string(text) == "null" // changes nothing, as encoding/json has it
	for into.Kind() == reflect.Pointer && !null {
		if into.IsNil() {
			into.Set(reflect.New(into.Type().Elem()))
		}
		into = into.Elem()
	}
	target := into.Addr().Interface()
	duration, isDuration := target.(*time.Duration)
	_, decodesItself := target.(json.Unmarshaler)
	switch {
	case isDuration && !null:
		d.failed(key, decodeDuration(text, duration))
	case into.Kind() == reflect.Struct && !null && !decodesItself:
		d.section(key, text, into)
	default:
		d.failed(key, json.Unmarshal(text, target))
	}
}

func (d *configDecoder) section(key string, text json.RawMessage, into reflect.Value) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		d.failed(key, err)
		return
	}
	d.object(key+".", object, into)
}

// failed notes err, if any, as the fault of key.
func (d *configDecoder) failed(key string, err error) {
	if err == nil {
		return
	}
	if wrong, ok := asType[*json.UnmarshalTypeError](err); ok {
		d.fault(key, fmt.Sprintf("is a JSON %s: want %s", jsonKind(wrong), wanted(wrong.Type)))
		return
	}
	d.faults = append(d.faults, fmt.Errorf("%skey %q: %w", d.where, key, err))
}

// known lists the keys that may stand at path, for an operator.
func (d *configDecoder) known(path string, t reflect.Type) string {
	names := fieldNames(t)
	if path == "" && d.ignored != nil {
		names = append(names, fieldNames(reflect.TypeFor[Common]())...)
	}
	return strings.Join(names, ", ")
}

func decodeDuration(text json.RawMessage, into *time.Duration) error {
	var seconds float64
	if json.Unmarshal(text, &seconds) == nil && math.Abs(seconds) < math.MaxInt64/float64(time.Second) {
		*into = time.Duration(seconds * float64(time.Second))
		return nil
	}
	var s string
	if json.Unmarshal(text, &s) == nil {
		if d, err := ParseDuration(s); err == nil {
			*into = d
			return nil
		}
	}
	return errors.New(`want a duration such as "1m30s", or a number of seconds`)
}

func findField(t reflect.Type, key string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if name := fieldName(f); name != "" && strings.EqualFold(name, key) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := fieldName(f); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// fieldName is the name of f in JSON, or "" if it has none.
func fieldName(f reflect.StructField) string {
	tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case !f.IsExported(), f.Anonymous, tag == "-":
		return ""
	case tag == "":
		return f.Name
	}
	return tag
}

// jsonFault says what is wrong with a text that did not decode.
func jsonFault(err error) error {
	if syntax, ok := asType[*json.SyntaxError](err); ok {
		return fmt.Errorf("no JSON from byte %d on: %w", syntax.Offset, err)
	}
	if wrong, ok := asType[*json.UnmarshalTypeError](err); ok {
		return errors.New("a JSON " + jsonKind(wrong))
	}
	return err
}

// jsonKind is the kind of the JSON value that did not fit, without the value.
func jsonKind(e *json.UnmarshalTypeError) string {
	kind, _, _ := strings.Cut(e.Value, " ")
	return kind
}

func wanted(t reflect.Type) string {
	switch kind := t.Kind(); {
	case kind == reflect.Bool:
		return "true or false"
	case kind == reflect.String:
		return "a string"
	case kind <= reflect.Uintptr:
		return "a whole number"
	case kind <= reflect.Float64:
		return "a number"
	case kind == reflect.Slice, kind == reflect.Array:
		return "an array"
	}
	return "an object"
}
