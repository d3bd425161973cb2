package broker

import "strings"

// The subjects that the contract fixes.
const (
	// schedulePrefix is followed by a handler and the identity of a message,
	// retryPrefix and deadPrefix by a handler.
	schedulePrefix = "push.schedule."
	retryPrefix    = "push.retry."
	deadPrefix     = "push.dead."
	// suspectsToken ends the subject of a retry that runs alone.
	suspectsToken = ".suspects"
	// malformedToken stands in the subject of letters that belong to no lane.
	malformedToken = "_malformed"

	eventPrefix    = "push.events."
	outcomePrefix  = eventPrefix + "outcome."
	acceptedPrefix = eventPrefix + "accepted."
	deviceEvents   = eventPrefix + "device_gone"
	// marksPrefix is not stored: marks say what is over in a moment.
	marksPrefix = "push.marks."
	// deviceRequests is followed by put, ls or rm.
	deviceRequests = "push.devices."
)

// The buckets that the contract fixes. A bucket is a stream with subjects of its own.
const (
	devicesBucket = "push-devices"
	devicesStream = "KV_" + devicesBucket
	devicesPrefix = "$KV." + devicesBucket + "."
	lanesBucket   = "push-lanes"
	lanesStream   = "KV_" + lanesBucket
	lanesPrefix   = "$KV." + lanesBucket + "."
)

// retryLane is the lane that a message of the retry stream is for.
func retryLane(subject string) string {
	rest, _ := strings.CutPrefix(subject, retryPrefix)
	rest, _ = strings.CutPrefix(rest, schedulePrefix)
	lane, _, _ := strings.Cut(rest, ".")
	return lane
}

// letterLane is the lane that a subject of the dead-letter stream belongs to, empty
// for what belongs to none.
func letterLane(subject string) string {
	lane := strings.TrimPrefix(subject, deadPrefix)
	if first, _, _ := strings.Cut(lane, "."); first == malformedToken {
		return ""
	}
	return lane
}
