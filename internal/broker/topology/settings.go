package topology

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// setting is one field that matters to us. Fields without a setting are the
// operator's and are left alone.
type setting[C any] struct {
	field string
	value func(*C) string
	// update copies the field; nil when the broker cannot update it.
	update func(have, want *C)
}

// streamSettings are those that matter to a stream like want.
func streamSettings(want jetstream.StreamConfig) []setting[jetstream.StreamConfig] {
	type C = jetstream.StreamConfig
	all := []setting[C]{
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
	if want.Metadata[shardsKey] != "" {
		all = append(all, setting[C]{shardsKey, func(c *C) string { return c.Metadata[shardsKey] }, noteShards})
	}
	if want.AllowMsgSchedules {
		all = append(all, setting[C]{"allow_msg_schedules", func(c *C) string { return strconv.FormatBool(c.AllowMsgSchedules) }, func(h, w *C) { h.AllowMsgSchedules, h.AllowRollup = w.AllowMsgSchedules, true }})
	}
	if want.AllowMsgTTL {
		all = append(all, setting[C]{"allow_msg_ttl", func(c *C) string { return strconv.FormatBool(c.AllowMsgTTL) }, func(h, w *C) { h.AllowMsgTTL = w.AllowMsgTTL }})
	}
	return all
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
