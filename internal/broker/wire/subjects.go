// Package wire is what the contract fixes of messages and subjects: the names under
// which receipts, retries, dead letters and events travel, and the headers that say what
// became of a receipt before. It refuses to know a connection. What is lost at its
// border: headers that begin with Nats- or Push- are the broker's and ours, and are not
// handed on as the publisher's.
package wire

import "strings"

// The subjects that the contract fixes.
const (
	// SchedulePrefix is followed by a handler and the identity of a message,
	// RetryPrefix and DeadPrefix by a handler.
	SchedulePrefix = "push.schedule."
	RetryPrefix    = "push.retry."
	DeadPrefix     = "push.dead."
	// SuspectsToken ends the subject of a retry that runs alone.
	SuspectsToken = ".suspects"
	// MalformedToken stands in the subject of letters that belong to no lane.
	MalformedToken = "_malformed"

	EventPrefix    = "push.events."
	OutcomePrefix  = EventPrefix + "outcome."
	AcceptedPrefix = EventPrefix + "accepted."
	DeviceEvents   = EventPrefix + "device_gone"
	// TryPrefix is followed by a provider: workers ask each other for test pushes. It is not
	// stored.
	TryPrefix = "push.try."
	// MarksPrefix is not stored: marks say what is over in a moment.
	MarksPrefix = "push.marks."
	// StatusPrefix is not stored: what one process has asked the broker, for the others.
	StatusPrefix = "push.status."
	// DeviceRequests is followed by put, ls, rm, test or ack, ChannelRequests by put, ls or
	// rm.
	DeviceRequests  = "push.devices."
	ChannelRequests = "push.channels."
	// DirectoryGet and DirectoryGone are what workers ask and tell the chat server.
	DirectoryGet  = "push.directory.get"
	DirectoryGone = "push.directory.gone"
	// DevicesChanged is what the chat server may tell workers. It is not stored.
	DevicesChanged = EventPrefix + "devices_changed"
)

// The buckets that the contract fixes. A bucket is a stream with subjects of its own.
const (
	DevicesBucket  = "push-devices"
	DevicesStream  = "KV_" + DevicesBucket
	DevicesPrefix  = "$KV." + DevicesBucket + "."
	ChannelsBucket = "push-channels"
	ChannelsStream = "KV_" + ChannelsBucket
	ChannelsPrefix = "$KV." + ChannelsBucket + "."
	LanesBucket    = "push-lanes"
	LanesStream    = "KV_" + LanesBucket
	LanesPrefix    = "$KV." + LanesBucket + "."
)

// RetryLane is the lane that a message of the retry stream is for.
func RetryLane(subject string) string {
	rest, _ := strings.CutPrefix(subject, RetryPrefix)
	rest, _ = strings.CutPrefix(rest, SchedulePrefix)
	lane, _, _ := strings.Cut(rest, ".")
	return lane
}

// letterLane is the lane that a subject of the dead-letter stream belongs to, empty
// for what belongs to none.
func letterLane(subject string) string {
	lane := strings.TrimPrefix(subject, DeadPrefix)
	if first, _, _ := strings.Cut(lane, "."); first == MalformedToken {
		return ""
	}
	return lane
}
