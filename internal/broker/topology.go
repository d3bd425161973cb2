package broker

import (
	"context"
	"errors"
	"time"
)

// Topology is the wanted shape of streams and durables. The names of the retry
// and dead-letter streams follow from Stream: PUSH gives PUSH_RETRY, PUSH_DEAD.
type Topology struct {
	// Stream is the name of the stream of receipts, Subject where they are
	// published: Subject itself and Subject.<anything>.
	Stream, Subject string
	// Replicas of each stream, 1 to 5.
	Replicas int
	// History is how long receipts are kept, DeadMaxAge how long dead letters are.
	History, DeadMaxAge time.Duration
	// AckWait is how long the broker waits for an ack or a sign of life.
	AckWait time.Duration
	// MaxBytes, RetryMaxBytes and DeadMaxBytes limit the three streams. A stream
	// that is full refuses new messages.
	MaxBytes, RetryMaxBytes, DeadMaxBytes int64
	// Handlers are the lanes.
	Handlers []string
}

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
}

// String is the difference as one line for a log.
func (d Difference) String() string { return "" }

// Provision creates the streams and durables that are missing, updates in place
// what may be updated, and returns every difference it found. A difference that
// the broker cannot update is an error that says what to do; nothing is ever
// deleted or rebuilt. It may run in several processes at once.
//
// A durable that is created on a stream whose durables are all younger than ten
// minutes, or that has none, starts with the oldest receipt kept. One that is
// added later starts with the next receipt published, because a newly enabled
// handler must not send days of history to telephones; `pushworker replay
// --handler` sends history on purpose.
func (c *Conn) Provision(ctx context.Context, t Topology) ([]Difference, error) {
	return nil, errors.New("not built yet")
}

// Bind checks the durables that the lanes need and changes nothing; it asks for
// nothing but their CONSUMER.INFO. Something missing is an error that says what
// to do.
func (c *Conn) Bind(ctx context.Context, t Topology) ([]Difference, error) {
	return nil, errors.New("not built yet")
}
