// Package deadletter is the form of a dead letter: the original bytes of a
// receipt that cannot be delivered, and the story of why.
//
// It refuses to know where letters are kept (internal/broker does) and when a
// receipt deserves one (internal/retry does).
package deadletter

import "time"

// Letter is one buried receipt.
type Letter struct {
	// Seq is the letter's own sequence in the dead-letter stream, and Stored since
	// when it is there; zero before it is written.
	Seq    uint64
	Stored time.Time
	// Handler is the lane that gave up; empty for a malformed receipt, which is
	// buried once for all lanes.
	Handler string
	// Reason is a code of retry.Reason.
	Reason string
	// Error is the last error's text.
	Error string
	// Attempts counts how often the handler really tried.
	Attempts int
	// First is when the receipt was published, Last when it was buried.
	First, Last time.Time
	// Stream and StreamSeq are where the receipt was first stored, and Subject
	// where it was published.
	Stream    string
	StreamSeq uint64
	Subject   string
	// Expires is when the publisher said the receipt goes stale; zero for never.
	Expires time.Time
	// Waited is how long the publisher had kept the receipt before it was published.
	Waited time.Duration
	// Redriven counts how often the receipt had come back from the dead letters when
	// it was buried again.
	Redriven int
	// ID is the letter's dedup id: burying the same message twice is one letter.
	ID string
	// Data is the receipt as it was published, byte for byte. With Narrowed set it
	// is only what of it was not delivered, and the original is at Stream and
	// StreamSeq for as long as history is kept. It is cut to fit, with Truncated
	// set, when the broker's payload limit leaves no room for it.
	Data      []byte
	Narrowed  bool
	Truncated bool
	// Traced is the first attempt that was traced, as a value of the header traceparent;
	// empty for none.
	Traced string
	// Foreign says that no worker wrote the letter: nothing that it says of itself is
	// to be believed.
	Foreign bool
	// Header holds the other headers that the receipt was published with, such as
	// traceparent.
	Header map[string][]string
}
