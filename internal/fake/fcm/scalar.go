package fcm

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// scalar checks one value that is neither null nor a message.
func (w *walker) scalar(f *field, k kind, raw []byte) {
	typ, ok := checkScalar(f, k, raw)
	if ok {
		return
	}
	if k == kindDuration && raw[0] == '"' {
		w.wrong(typ, "Field '"+camel(f.name)+"', Illegal duration format; duration must end with 's'")
		return
	}
	w.wrong(typ, refused(raw))
}

// checkScalar says whether raw is of the kind, and how errors call the kind.
func checkScalar(f *field, k kind, raw []byte) (typ string, ok bool) {
	quoted := raw[0] == '"'
	switch k {
	case kindString:
		return "TYPE_STRING", quoted
	case kindBool:
		return "TYPE_BOOL", raw[0] == 't' || raw[0] == 'f'
	case kindInt:
		_, err := strconv.ParseInt(string(unquote(raw)), 10, 32)
		return "TYPE_INT32", err == nil
	case kindFloat:
		_, err := strconv.ParseFloat(string(unquote(raw)), 64)
		return "TYPE_FLOAT", err == nil
	case kindEnum:
		return f.typ, isEnum(f.enum, raw)
	case kindDuration:
		_, ok := seconds(raw)
		return protobuf + "Duration", ok
	case kindTimestamp:
		_, err := time.Parse(time.RFC3339Nano, string(unquote(raw)))
		return protobuf + "Timestamp", quoted && err == nil
	case kindMap, kindList, kindMessage, kindStruct:
	}
	return "TYPE_MESSAGE", false
}

func unquote(raw []byte) []byte { return bytes.Trim(raw, `"`) }

// isEnum takes the name in any case, as the API does, and the number.
func isEnum(names []string, raw []byte) bool {
	if raw[0] != '"' {
		_, err := strconv.ParseInt(string(raw), 10, 32)
		return err == nil
	}
	for _, name := range names {
		if strings.EqualFold(name, string(unquote(raw))) {
			return true
		}
	}
	return false
}

// seconds reads a protobuf Duration in JSON: "3.5s".
func seconds(raw []byte) (float64, bool) {
	if raw[0] != '"' || len(raw) < 4 || raw[len(raw)-2] != 's' {
		return 0, false
	}
	number := raw[1 : len(raw)-2]
	whole, fraction, _ := bytes.Cut(number, []byte{'.'})
	if len(fraction) > 9 || bytes.ContainsAny(number, "eExXnNiI_+") || len(whole) == 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(number), 64)
	return v, err == nil
}

// section notes that a part of the message is there.
func (w *walker) section(m mark) {
	switch m { //nolint:exhaustive // the other marks are of fields that keep looks at
	case markWebpush:
		w.got.webpush = true
	case markPlatform:
		w.got.otherPlatform = true
	}
}

// keep takes what is needed of a scalar.
func (w *walker) keep(f *field, raw []byte) {
	if f.bucket != bucketNone {
		w.got.sizes[f.bucket] += len(f.name) + textLen(raw)
	}
	if f.mark == 0 || len(w.faults) > 0 {
		return
	}
	switch f.mark { //nolint:exhaustive // the other marks are of composite fields
	case markToken, markTopic, markCondition:
		w.target(f, raw)
	case markValidateOnly:
		w.got.validateOnly = raw[0] == 't'
	case markTTL:
		ttl, _ := seconds(raw)
		w.got.badTTL = ttl < 0 || ttl > 2_419_200
	}
}

// target takes the recipient, of which there can be one.
func (w *walker) target(f *field, raw []byte) {
	if w.got.target != 0 {
		parent := w.parent()
		w.complain(parent, "Invalid value at '"+parent+"' (oneof), oneof field 'target' is already set. Cannot set '"+f.name+"'")
		return
	}
	w.got.target = f.mark
	w.got.to = string(plain(raw[1 : len(raw)-1]))
}

// entry looks at one entry of a map of strings.
func (w *walker) entry(f *field, key, raw []byte) {
	w.got.sizes[f.bucket] += escapedLen(key) + textLen(raw)
	switch f.mark { //nolint:exhaustive // only maps come here
	case markData:
		if w.got.badKey == "" && forbidden(plain(key)) {
			w.got.badKey = string(plain(key))
		}
	case markWebpushHeaders:
		if bytes.EqualFold(key, []byte("TTL")) {
			_, err := strconv.ParseUint(string(unquote(raw)), 10, 32)
			w.got.badWebpushTTL = err != nil
		}
	}
}

// forbidden says whether FCM uses the key of a data map itself.
func forbidden(key []byte) bool {
	switch string(key) {
	case "from", "gcm", "message_type":
		return true
	}
	return bytes.HasPrefix(key, []byte("google")) || bytes.HasPrefix(key, []byte("gcm.notification."))
}

// textLen is the size of a value in bytes of UTF-8.
func textLen(raw []byte) int {
	if raw[0] != '"' {
		return len(raw)
	}
	return escapedLen(raw[1 : len(raw)-1])
}

// escapedLen is how many bytes of UTF-8 a JSON string decodes to.
func escapedLen(s []byte) int {
	if bytes.IndexByte(s, '\\') < 0 {
		return len(s)
	}
	return len(decoded(s))
}
