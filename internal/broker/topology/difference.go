package topology

import (
	"errors"
	"fmt"
	"slices"
)

// Difference is one point in which the broker's objects were not as the
// Topology wants them.
type Difference struct {
	// Object is, for example, "stream PUSH" or "durable fcm of stream PUSH".
	Object string
	// Field is the differing setting; empty when the object was missing.
	Field string
	// Have and Want are the values as text.
	Have, Want string
	// Updated says that Provision has changed Have into Want.
	Updated bool
	// Notice says that people should look at it, although it was updated.
	Notice bool
}

// Harmful reports whether receipts suffer while it is so.
func (d Difference) Harmful() bool { return harm(d.Field) != "" }

// harm is what becomes of receipts while a field differs; empty when lanes can
// work with it.
func harm(field string) string {
	switch field {
	case "discard":
		return "a full stream removes receipts that nobody has handled"
	case "max_msgs_per_subject":
		return "the stream keeps the last receipts only"
	case "no_ack":
		return "publishers are not told what is stored"
	case "allow_msg_schedules":
		return "no retry can be scheduled"
	case "max_deliver":
		return "a receipt that was delivered so often stays in the stream, and is never delivered again"
	case "headers_only":
		return "receipts arrive without their content"
	}
	return ""
}

// String is the difference as one line for a log.
func (d Difference) String() string {
	switch {
	case d.Field == "":
		return d.Object + " was missing and was created: " + d.Want
	case d.Updated:
		return fmt.Sprintf("%s of %s was changed from %s to %s", d.Field, d.Object, d.Have, d.Want)
	default:
		return fmt.Sprintf("%s of %s is %s, not %s as configured", d.Field, d.Object, d.Have, d.Want)
	}
}

// compare lists the settings in which have differs from want.
func compare[C any](settings []setting[C], have, want *C) []setting[C] {
	return slices.DeleteFunc(settings, func(s setting[C]) bool { return s.value(have) == s.value(want) })
}

// update copies into have what differs from want and may be updated, and reports
// every difference. A difference that cannot be updated is an error. keep says
// which fields are not to be updated although they could.
func update[C any](object string, settings []setting[C], have, want *C, keep func(field string) bool) ([]Difference, error) {
	var diffs []Difference
	var errs []error
	for _, s := range compare(settings, have, want) {
		d := Difference{Object: object, Field: s.field, Have: s.value(have), Want: s.value(want)}
		switch {
		case s.update == nil:
			errs = append(errs, fmt.Errorf("%s of %s is %q, not %q, and the broker cannot change it", s.field, object, d.Have, d.Want))
		case keep == nil || !keep(s.field):
			s.update(have, want)
			d.Updated = true
		}
		diffs = append(diffs, d)
	}
	return diffs, errors.Join(errs...)
}

func anyMended(diffs []Difference) bool {
	for _, d := range diffs {
		if d.Updated {
			return true
		}
	}
	return false
}

// unmended is diffs when nothing was changed after all.
func unmended(diffs []Difference) []Difference {
	for i := range diffs {
		diffs[i].Updated = false
	}
	return diffs
}
