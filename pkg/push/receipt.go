package push

import "time"

// Values of [Payload.What]. Others are tolerated: a handler that does not know
// an action has nothing to do.
const (
	// ActMsg announces a new message.
	ActMsg = "msg"
	// ActSub announces a new subscription, or that a channel is gone.
	ActSub = "sub"
	// ActRead says that the user has read up to [Payload.SeqId] on another device.
	ActRead = "read"
)

// Receipt says who is to be notified and of what. In JSON it is one object with
// the members to, channel and payload.
//
// A Receipt handed to a [Handler] belongs to that handler alone, except for the
// bytes behind [Payload.Content], which are to be read and never written.
type Receipt struct { //nolint:recvcheck // MarshalJSON serves values as well as pointers, all else is for pointers
	// To holds the users to notify. It is empty, or null in JSON, for a receipt
	// that addresses a channel only.
	To map[Uid]Recipient `json:"to"`
	// Channel is the "chn…" name of the channel whose subscribers are also to be
	// notified, or empty.
	Channel string `json:"channel"`
	// Payload is what they are told.
	Payload Payload `json:"payload"`

	begun    time.Time
	delivery *Delivery
	done     func(error)
	tally    *Targets
	items    []Target
	tracer   Tracer
	test     string
}

// Targets counts what became of the targets of a receipt: devices and channels.
type Targets struct {
	// Accepted were taken by the provider.
	Accepted int
	// Skipped needed nothing, for example because they already had the packet.
	Skipped int
	// Gone turned out to exist no more.
	Gone int
	// Rejected will never be accepted.
	Rejected int
	// Retried are to be tried again.
	Retried int
}

// Recipient is one user's share of a [Receipt].
type Recipient struct { //nolint:recvcheck // LogValue serves values as well as pointers, all else is for pointers
	// Delivered counts the user's live sessions that already have the packet.
	Delivered int `json:"delivered"`
	// Devices lists the devices that already have the packet: ids, which mean devices
	// of this user only, or tokens, which mean the device that has the token, whoever
	// lists it. Handlers skip them, which makes the list the progress ledger of a retry;
	// there, id, app and kind, parted by U+001F, mean one of the devices with that id.
	Devices []string `json:"devices,omitempty"`
	// Unread is the user's total of unread messages, for the badge.
	Unread int `json:"unread"`
}

// Payload is what a [Receipt] tells its recipients.
type Payload struct { //nolint:recvcheck // LogValue serves values as well as pointers, all else is for pointers
	// What is one of [ActMsg], [ActSub], [ActRead].
	What string `json:"what"`
	// Silent asks to act on the packet but to show nothing.
	Silent bool `json:"silent"`
	// Topic is the name of the conversation: "grp…", "usr…", "p2p…" or "chn…".
	Topic string `json:"topic"`
	// Timestamp is the chat server's time of the event; zero means unknown.
	Timestamp time.Time `json:"ts"`
	// From is the "usr…" id of the sender, or empty.
	From string `json:"from"`
	// SeqId is the message's number within the topic.
	SeqId int `json:"seq"`
	// ContentType is the MIME type of Content, empty for plain text.
	ContentType string `json:"mime"`
	// Content is the message. A decoded receipt holds the raw JSON, byte for byte,
	// as a json.RawMessage; nil when there is none.
	Content any `json:"content,omitempty"`
	// Webrtc is the state of a call: "started", "accepted", "finished", …
	Webrtc string `json:"webrtc,omitempty"`
	// AudioOnly marks a call without video.
	AudioOnly bool `json:"aonly,omitempty"`
	// Replace is ":" and the SeqId of the message that this one edits.
	Replace string `json:"replace,omitempty"`
	// ModeWant and ModeGiven are the access modes of a new subscription, for
	// [ActSub]. Zero is omitted in JSON; both zero mean that it was removed.
	ModeWant  AccessMode `json:"want,omitempty"`
	ModeGiven AccessMode `json:"given,omitempty"`
}

// OnDone makes f the settlement of r: [Receipt.Done] will call it. A queue binds
// each receipt it hands out; nobody else needs OnDone. Not safe for concurrent
// use with Done.
func (r *Receipt) OnDone(f func(error)) { r.done = f }

// Tally says what became of r's targets, for those who count them. A handler that
// knows better than "one target per recipient" calls it before Done.
func (r *Receipt) Tally(t Targets) { r.tally = &t }

// Tallied returns what Tally was told, if it was called.
func (r *Receipt) Tallied() (t Targets, ok bool) {
	if r.tally == nil {
		return Targets{}, false
	}
	return *r.tally, true
}

// Begun is when a handler made with [Adapt] began to work on r; zero when it has
// not, or when another kind of handler has r. What came before is waiting.
func (r *Receipt) Begun() time.Time { return r.begun }

// Done reports what became of r and settles it with the queue it came from. Call
// it once, from any goroutine, when the work is over. A nil err means delivered;
// otherwise the type of err is the instruction, as the package comment lists.
// On a receipt that came from plain [Push] it does nothing.
func (r *Receipt) Done(err error) {
	if r.done != nil {
		r.done(err)
	}
}
