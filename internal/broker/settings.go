package broker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
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
	// Mended says that Provision has changed Have into Want.
	Mended bool
	// Notice says that people should look at it, although it was mended.
	Notice bool
}

// Harmful reports whether receipts suffer while it is so.
func (d Difference) Harmful() bool { return harm(d.Field) != "" }

// String is the difference as one line for a log.
func (d Difference) String() string {
	switch {
	case d.Field == "":
		return d.Object + " was missing and was created: " + d.Want
	case d.Mended:
		return fmt.Sprintf("%s of %s was changed from %s to %s", d.Field, d.Object, d.Have, d.Want)
	default:
		return fmt.Sprintf("%s of %s is %s, not %s as configured", d.Field, d.Object, d.Have, d.Want)
	}
}

// setting is one field that matters to us. Fields without a setting are the
// operator's and are left alone.
type setting[C any] struct {
	field string
	value func(*C) string
	// mend copies the field; nil when the broker cannot update it.
	mend func(have, want *C)
}

// compare lists the settings in which have differs from want.
func compare[C any](settings []setting[C], have, want *C) []setting[C] {
	return slices.DeleteFunc(settings, func(s setting[C]) bool { return s.value(have) == s.value(want) })
}

func streamSettings() []setting[jetstream.StreamConfig] {
	type C = jetstream.StreamConfig
	return []setting[C]{
		{"retention", func(c *C) string { return c.Retention.String() }, nil},
		{"storage", func(c *C) string { return c.Storage.String() }, nil},
		{"sealed", func(c *C) string { return strconv.FormatBool(c.Sealed) }, nil},
		{"subjects", func(c *C) string { return strings.Join(slices.Sorted(slices.Values(c.Subjects)), " ") }, func(h, w *C) { h.Subjects = w.Subjects }},
		{"discard", func(c *C) string { return c.Discard.String() }, func(h, w *C) { h.Discard = w.Discard }},
		{"max_bytes", func(c *C) string { return strconv.FormatInt(c.MaxBytes, 10) }, func(h, w *C) { h.MaxBytes = w.MaxBytes }},
		{"max_age", func(c *C) string { return c.MaxAge.String() }, func(h, w *C) { h.MaxAge = w.MaxAge }},
		{"max_msgs_per_subject", func(c *C) string { return strconv.FormatInt(max(c.MaxMsgsPerSubject, -1), 10) }, func(h, w *C) { h.MaxMsgsPerSubject = w.MaxMsgsPerSubject }},
		{"duplicate_window", func(c *C) string { return c.Duplicates.String() }, func(h, w *C) { h.Duplicates = w.Duplicates }},
		{"replicas", func(c *C) string { return strconv.Itoa(c.Replicas) }, func(h, w *C) { h.Replicas = w.Replicas }},
		{"no_ack", func(c *C) string { return strconv.FormatBool(c.NoAck) }, func(h, w *C) { h.NoAck = w.NoAck }},
		{"allow_direct", func(c *C) string { return strconv.FormatBool(c.AllowDirect) }, func(h, w *C) { h.AllowDirect = w.AllowDirect }},
	}
}

// retrySettings are those that only the retry stream needs.
func retrySettings() []setting[jetstream.StreamConfig] {
	type C = jetstream.StreamConfig
	return append(streamSettings(), setting[C]{
		"allow_msg_schedules", func(c *C) string { return strconv.FormatBool(c.AllowMsgSchedules) }, func(h, w *C) { h.AllowMsgSchedules, h.AllowRollup = w.AllowMsgSchedules, true },
	})
}

// settingsOf are those that matter to a stream like want.
func settingsOf(want jetstream.StreamConfig) []setting[jetstream.StreamConfig] {
	if want.AllowMsgSchedules {
		return retrySettings()
	}
	return streamSettings()
}

// durableSettings leaves out where a durable starts, which only matters when it
// is created.
func durableSettings() []setting[jetstream.ConsumerConfig] {
	type C = jetstream.ConsumerConfig
	return []setting[C]{
		{"ack_policy", func(c *C) string { return c.AckPolicy.String() }, nil},
		{"filter", func(c *C) string { return strings.Join(append(c.FilterSubjects, c.FilterSubject), " ") }, nil},
		{"priority_groups", func(c *C) string { return strings.Join(c.PriorityGroups, " ") }, nil},
		{"ack_wait", func(c *C) string { return c.AckWait.String() }, func(h, w *C) { h.AckWait = w.AckWait }},
		{"max_deliver", func(c *C) string { return strconv.Itoa(c.MaxDeliver) }, func(h, w *C) { h.MaxDeliver = w.MaxDeliver }},
		{"backoff", func(c *C) string { return fmt.Sprint(c.BackOff) }, func(h, w *C) { h.BackOff = w.BackOff }},
		{"max_ack_pending", func(c *C) string { return strconv.Itoa(c.MaxAckPending) }, func(h, w *C) { h.MaxAckPending = w.MaxAckPending }},
		{"max_batch", func(c *C) string { return strconv.Itoa(c.MaxRequestBatch) }, func(h, w *C) { h.MaxRequestBatch = w.MaxRequestBatch }},
		{"max_expires", func(c *C) string { return c.MaxRequestExpires.String() }, func(h, w *C) { h.MaxRequestExpires = w.MaxRequestExpires }},
		{"max_bytes", func(c *C) string { return strconv.Itoa(c.MaxRequestMaxBytes) }, func(h, w *C) { h.MaxRequestMaxBytes = w.MaxRequestMaxBytes }},
		{"headers_only", func(c *C) string { return strconv.FormatBool(c.HeadersOnly) }, func(h, w *C) { h.HeadersOnly = w.HeadersOnly }},
		{"inactive_threshold", func(c *C) string { return c.InactiveThreshold.String() }, func(h, w *C) { h.InactiveThreshold = w.InactiveThreshold }},
	}
}
