package fcm

import (
	"strconv"
	"strings"
)

// maxFaults bounds the faults reported for one request.
const maxFaults = 50

// A walker goes once through a body of which encoding/json has said that it is
// valid JSON, and checks it against the schema. It builds no tree and, while
// there is nothing to complain about, allocates nothing but the target.
type walker struct {
	rest   []byte
	path   []step
	room   [8]step // for path, which is not deeper in what is valid
	faults []violation
	got    parsed
}

// step is a part of the place in the message, as FCM's errors write it.
type step struct {
	name  string
	index int // of a list or map entry; -1 for a field
}

// place writes the path of the current value.
func (w *walker) place() string {
	var b strings.Builder
	for _, s := range w.path {
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
	}
	return b.String()
}

func (w *walker) push(s step) { w.path = append(w.path, s) }
func (w *walker) pop()        { w.path = w.path[:len(w.path)-1] }

func (w *walker) complain(place, description string) {
	if len(w.faults) < maxFaults {
		w.faults = append(w.faults, violation{place, description})
	}
}

// wrong complains that the value does not have the type.
func (w *walker) wrong(typ, value string) {
	at := ""
	if place := w.place(); place != "" {
		at = " at '" + place + "'"
	}
	w.complain(w.place(), "Invalid value"+at+" ("+typ+"), "+value)
}

// object checks the members of the object that comes next.
func (w *walker) object(f *field) {
	w.skip('{')
	for w.peek() != '}' {
		key := w.literal()
		w.skip(':')
		if sub := f.fields[string(plain(key))]; sub != nil {
			w.push(step{sub.name, -1})
			w.value(sub)
			w.pop()
		} else {
			w.unknown(key)
			w.discard()
		}
		w.comma()
	}
	w.skip('}')
}

func (w *walker) unknown(key []byte) {
	at, place := "", w.place()
	if place != "" {
		at = " at '" + place + "'"
	}
	name := string(decoded(key))
	w.complain(place, "Invalid JSON payload received. Unknown name \""+name+"\""+at+": Cannot find field.")
}

// value checks the value that comes next; null means that the field is absent.
func (w *walker) value(f *field) {
	c := w.peek()
	if c == 'n' {
		w.discard()
		return
	}
	if c == '[' && f.kind != kindList {
		w.complain(w.parent(), "Invalid JSON payload received. Unknown name \""+f.name+"\" at '"+w.parent()+"': Proto field is not repeating, cannot start list.")
		w.discard()
		return
	}
	switch f.kind {
	case kindMessage, kindStruct, kindMap:
		w.composite(f, c)
	case kindList:
		w.list(f, c)
	case kindString, kindBool, kindInt, kindFloat, kindEnum, kindDuration, kindTimestamp:
		raw := w.discard()
		w.scalar(f, f.kind, raw)
		w.keep(f, raw)
	}
}

func (w *walker) parent() string {
	last := w.path[len(w.path)-1]
	w.pop()
	defer w.push(last)
	return w.place()
}

func (w *walker) composite(f *field, c byte) {
	if c != '{' {
		w.wrong(f.typ, string(w.discard()))
		return
	}
	w.section(f.mark)
	switch f.kind { //nolint:exhaustive // value sends no other kind here
	case kindMap:
		w.entries(f)
	case kindMessage:
		w.object(f)
	case kindStruct:
		w.got.sizes[f.bucket] += len(w.discard())
	}
}

// entries checks a map of strings.
func (w *walker) entries(f *field) {
	w.skip('{')
	for i := 0; w.peek() != '}'; i++ {
		key := w.literal()
		w.skip(':')
		raw := w.discard()
		if raw[0] != '"' {
			w.push(step{"", i})
			w.push(step{"value", -1})
			w.wrong("TYPE_STRING", refused(raw))
			w.pop()
			w.pop()
		}
		w.entry(f, key, raw)
		w.comma()
	}
	w.skip('}')
}

// refused is what an error shows of a value.
func refused(raw []byte) string {
	if raw[0] == '{' || raw[0] == '[' {
		return "Starting an object on a scalar field"
	}
	return string(raw)
}

func (w *walker) list(f *field, c byte) {
	if c != '[' {
		raw := w.discard()
		typ, _ := checkScalar(f, f.elem, raw)
		w.wrong(typ, refused(raw))
		return
	}
	w.skip('[')
	for i := 0; w.peek() != ']'; i++ {
		w.push(step{"", i})
		raw := w.discard()
		w.scalar(f, f.elem, raw)
		w.keep(f, raw)
		w.pop()
		w.comma()
	}
	w.skip(']')
}
