package explain

import (
	"time"

	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// Receipt is a receipt as it was published.
type Receipt struct {
	// Stream and Seq are where it is stored, and Published since when.
	Stream    string    `json:"stream"`
	Seq       uint64    `json:"stream_seq"`
	Subject   string    `json:"subject"`
	Published time.Time `json:"published"`
	// What, Topic, TopicSeq and From are its payload's.
	What     string `json:"what,omitempty"`
	Topic    string `json:"topic,omitempty"`
	TopicSeq int    `json:"seq,omitempty"`
	From     string `json:"from,omitempty"`
	// Users are those whom it addresses, as 11-character texts, and Channel the
	// channel.
	Users   []string `json:"users"`
	Channel string   `json:"channel,omitempty"`
	// Trace is the trace that its publisher sent with it.
	Trace string `json:"trace,omitempty"`
	// Unreadable says why it is no receipt.
	Unreadable string `json:"unreadable,omitempty"`
}

// Lane is how far a lane has come through the receipts.
type Lane struct {
	Handler string
	// Created is when its durable was made, and Newcomer says that it began with what
	// was published after that.
	Created  time.Time
	Newcomer bool
	// Delivered is the last sequence given to a worker, and Settled that up to which
	// all are settled. Unsettled counts those between them that are not.
	Delivered, Settled uint64
	Unsettled          int
	Paused             bool
	// Subscribes says that a process subscribes devices to channels for it, and Waiting how
	// many users' devices are still to be subscribed or unsubscribed.
	Subscribes bool
	Waiting    int
}

// Retry is a receipt that waits to be tried again.
type Retry struct {
	Handler string
	// Stream and StreamSeq are where it was first published.
	Stream    string
	StreamSeq uint64
	// Attempts is how often the handler has tried, and Error why it comes again.
	Attempts int
	Error    string
	// Due is when it comes; zero when its time has come.
	Due time.Time
	// Alone says that it runs alone, because workers crashed while they held it.
	Alone bool
}

// Facts are what is known of a receipt, and of others: what is not about it is left
// out.
type Facts struct {
	Receipt Receipt
	// User is whose story it is; zero for that of all.
	User    push.Uid
	Lanes   []Lane
	Retries []Retry
	Letters []deadletter.Letter
	Events  []outcome.Event
	// NoEvents says that nothing is recorded, and EventsSince since when there are
	// events; zero when there is none.
	NoEvents    bool
	EventsSince time.Time
	// Asked is when the facts were asked for.
	Asked time.Time
}
