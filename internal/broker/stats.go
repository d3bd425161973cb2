package broker

import (
	"context"
	"errors"
	"time"
)

// Stats is the state of the lanes and streams, in the form of `status -o json`.
type Stats struct {
	Lanes   []LaneStats   `json:"lanes"`
	Streams []StreamStats `json:"streams"`
}

// LaneStats is the state of one lane over all processes.
type LaneStats struct {
	Handler string `json:"handler"`
	// Pending counts receipts not yet delivered to any process for the first time.
	Pending uint64 `json:"pending"`
	// InFlight counts deliveries not yet settled: fresh, retries and suspects.
	InFlight int `json:"in_flight"`
	// Redelivered counts those of InFlight that were delivered more than once.
	Redelivered int `json:"redelivered"`
	// RetriesWaiting counts retries whose time has not come, or has come and which
	// have not been delivered: Scheduled + Due + Suspects.
	RetriesWaiting uint64 `json:"retries_waiting"`
	Scheduled      uint64 `json:"scheduled"`
	Due            uint64 `json:"due"`
	Suspects       uint64 `json:"suspects"`
	// OldestPending is when the oldest receipt that the lane has not settled was
	// published; zero when there is none or it may not be asked for.
	OldestPending time.Time `json:"oldest_pending,omitzero"`
	// OldestPendingSeconds is its age.
	OldestPendingSeconds float64 `json:"oldest_pending_seconds"`
	// Paused says that an operator has paused the lane's durable.
	Paused bool `json:"paused"`
}

// StreamStats is the state of one stream.
type StreamStats struct {
	Stream   string    `json:"stream"`
	Messages uint64    `json:"messages"`
	Bytes    uint64    `json:"bytes"`
	FirstSeq uint64    `json:"first_seq"`
	LastSeq  uint64    `json:"last_seq"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	// MaxBytes is the limit in bytes, -1 for none; MaxAgeSeconds 0 for none.
	MaxBytes      int64   `json:"max_bytes"`
	MaxAgeSeconds float64 `json:"max_age_seconds"`
	Replicas      int     `json:"replicas"`
}

// Stats asks the broker for the state of everything in t. What it could not
// learn, for example because the user lacks a permission, is left out and told
// in the error; the rest is good.
func (c *Conn) Stats(ctx context.Context, t Topology) (Stats, error) {
	return Stats{}, errors.New("not built yet")
}
