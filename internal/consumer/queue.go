package consumer

import (
	"context"
	"time"

	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// Source is where a lane pulls messages from: one durable of one stream.
type Source interface {
	// Pull asks for n messages whose sizes add up to at most bytes, if that is not 0,
	// and calls take for each as it arrives, in the order of the stream and from the
	// goroutine that called Pull; take does not block for long. It returns nil after
	// the last message that was asked for, or when the next one is too large for what
	// is left of bytes, or, when ctx ends, after take has had every message that the
	// broker had already sent. It survives reconnects. It returns [ErrNoRoom] if the
	// first message already is too large. An error wrapping [ErrSourceGone] is final;
	// after any other error the caller waits a moment and pulls again. delivered says
	// how many messages take was given. more is asked after each message; nil asks for
	// no more.
	Pull(ctx context.Context, n, bytes int, more More, take func(Message)) (delivered int, err error)
}

// More is told how many messages are still to come to a Pull, and how large they may
// be altogether, and says how many to ask for besides, and what those may measure: at
// most as many as the Pull has begun with, and no more than twice those to come. 0 is
// none for now.
type More func(left, bytes int) (n, size int)

// Message is one delivery of a stored receipt. Its verbs are buffered: a nil
// error means that the client will send it, not that the broker has it. Exactly
// one of Ack and Nak ends it.
type Message interface {
	// Data is the stored payload. The receiver may keep it, and never writes to it.
	Data() []byte
	// Size is that of the message as the broker counts it: payload, headers, subject
	// and where to acknowledge.
	Size() int
	// Origin is what the broker knows of the message. The receiver may keep and change it.
	Origin() *Origin
	// Ack settles the message for this source.
	Ack() error
	// Nak gives the message back; the broker redelivers it after delay.
	Nak(delay time.Duration) error
	// InProgress restarts the broker's redelivery timer.
	InProgress() error
}

// Origin says where a message comes from and what its receipt has been through.
type Origin struct {
	// Stream and Seq are where this message is stored, and Stored since when. Seq
	// with Stored identifies it for ever: a recreated stream starts again at
	// sequence 1, but at a later time.
	Stream string
	Seq    uint64
	Stored time.Time
	// Deliveries counts deliveries of this message, 1 for the first. It also
	// counts hand-backs and other processes' crashes, so it budgets nothing.
	Deliveries int

	// RootStream, RootSeq and Subject are where the receipt was first published,
	// and First when. For a fresh message they are Stream, Seq and Stored.
	RootStream string
	RootSeq    uint64
	Subject    string
	First      time.Time
	// Attempts counts the handler's real attempts so far.
	Attempts int
	// Alone marks a receipt that is suspected of killing processes and is
	// delivered by the suspects source, one at a time.
	Alone bool
	// Expires is when the publisher said the receipt goes stale; zero for never.
	Expires time.Time
	// Waited is how long the publisher had kept the receipt before it was published.
	Waited time.Duration
	// Header holds the publisher's own headers to pass on, such as traceparent;
	// nil when there are none.
	Header map[string][]string

	// Traced is the first attempt that was traced, as a value of the header traceparent;
	// empty for none.
	Traced string

	// Narrowed says that the data are not all of the receipt that was published,
	// only what of it remains.
	Narrowed bool
	// Redriven counts how often the receipt has come back from the dead letters, and
	// Restarted is when it last did: from then on its attempts and its age count.
	// Zero for one that never was there.
	Redriven  int
	Restarted time.Time
}

// age is how long the receipt has been tried, which the age budget bounds.
func (o *Origin) age(now time.Time) time.Duration {
	if o.Restarted.After(o.First) {
		return now.Sub(o.Restarted)
	}
	return now.Sub(o.First)
}

// delivery is what a handler learns of o.
func (o *Origin) delivery() push.Delivery {
	return push.Delivery{
		Stream: o.RootStream, Seq: o.RootSeq, Published: o.First, Waited: o.Waited, Expires: o.Expires,
		Attempt: o.Attempts + 1, Header: o.Header,
	}
}

// Retry is a receipt to be delivered again to one lane.
type Retry struct {
	// Handler is the lane.
	Handler string
	// Data is the receipt, narrowed to what remains.
	Data []byte
	// Delay is how long to wait before the redelivery.
	Delay time.Duration
	// Error is the text of the error that made it necessary, and Reason what the
	// receipt will be buried for if it goes on so.
	Error  string
	Reason retry.Reason
	// Origin is the message being settled, with Attempts and Alone already as the
	// redelivered message shall have them.
	Origin Origin
	// Part tells one part of a retry that was too large in one from its other parts;
	// empty if this is all of it. The same part of the same data has the same.
	Part string
	// Last says that the lane stops and that there is no later time to store this:
	// a limit that the Scheduler keeps itself does not count.
	Last bool
}

// store returns what stores r once.
func (r Retry) store(s Scheduler) func(context.Context) error {
	return func(ctx context.Context) error { return s.Schedule(ctx, r) }
}

// Scheduler stores retries. Schedule returns nil only when the broker has
// confirmed the retry; scheduling the same attempt twice stores it once. An error
// wrapping [ErrTooLarge] is for good; after any other it may succeed later.
type Scheduler interface {
	Schedule(ctx context.Context, r Retry) error
}

// DeadLetters stores dead letters. Bury returns nil only when the broker has
// confirmed the letter; burying the same letter twice stores it once. No letter is
// too large: what of its data finds no room is cut off. An error wrapping [ErrTooLarge]
// says that the broker does not even take what is left, until somebody raises its limits.
type DeadLetters interface {
	Bury(ctx context.Context, l deadletter.Letter) error
}
