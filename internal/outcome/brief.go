package outcome

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// Brief is what is told of receipts of which every target was accepted, or that had
// none at the handler, unless they are told in full: 14 bytes for each user and about as many for each receipt. A
// message on push.events.accepted.<handler> is one.
type Brief struct {
	// At is when the first was settled; the others were within moments.
	At      time.Time `json:"at"`
	Handler string    `json:"handler"`
	Stream  string    `json:"stream"`
	// Accepted lists the receipts: the sequence in Stream, how many targets were
	// accepted, and the users, as 11-character texts; after a null those who have no
	// device that the handler sends it to.
	Accepted []BriefEntry `json:"accepted"`
}

// BriefEntry is one receipt. In JSON it is an array.
type BriefEntry struct {
	Seq      uint64
	Accepted int
	// Users and Untargeted are those of [Event].
	Users, Untargeted []string
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *BriefEntry) UnmarshalJSON(text []byte) error {
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 2 {
		return fmt.Errorf("reading an accepted receipt of %d members: want a sequence, a count and users", len(all))
	}
	if err := json.Unmarshal(all[0], &e.Seq); err != nil {
		return fmt.Errorf("reading a sequence: %w", err)
	}
	if err := json.Unmarshal(all[1], &e.Accepted); err != nil {
		return fmt.Errorf("reading a count: %w", err)
	}
	list := &e.Users
	*list = []string{}
	for _, text := range all[2:] {
		if string(text) == "null" {
			list = &e.Untargeted
			continue
		}
		var user string
		if err := json.Unmarshal(text, &user); err != nil {
			return fmt.Errorf("reading a user: %w", err)
		}
		*list = append(*list, user)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (e BriefEntry) MarshalJSON() ([]byte, error) {
	all := []any{e.Seq, e.Accepted}
	for _, user := range e.Users {
		all = append(all, user)
	}
	if len(e.Untargeted) > 0 {
		all = append(all, nil)
	}
	for _, user := range e.Untargeted {
		all = append(all, user)
	}
	return json.Marshal(all)
}

// ReadBrief yields the receipts of a brief message as events. One that is no brief has
// none.
func ReadBrief(message []byte) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		var b Brief
		if json.Unmarshal(message, &b) != nil {
			return
		}
		for _, e := range b.Accepted {
			if !yield(Event{At: b.At, Handler: b.Handler, Verdict: "ack", Stream: b.Stream, StreamSeq: e.Seq, Users: e.Users, Untargeted: e.Untargeted, Accepted: e.Accepted}) {
				return
			}
		}
	}
}

// MentionsSeq reports whether a message may tell of the receipt with this sequence.
func MentionsSeq(message []byte, seq uint64) bool {
	return bytes.Contains(message, []byte("["+strconv.FormatUint(seq, 10)+","))
}

// isBrief reports whether o is told in brief. What a provider calls a push is told in
// full: those that say it do so for trying out.
func isBrief(o *consumer.Outcome) bool {
	t := o.Counts
	return !o.Replayed && o.Verdict == retry.Ack && o.Error == "" && (t.Accepted > 0 || len(o.Untargeted) > 0) && t.Skipped|t.Gone|t.Rejected|t.Retried == 0 &&
		!slices.ContainsFunc(o.Targets, func(t push.Target) bool { return t.UniqueID != "" })
}

// appendBrief appends o to the brief message in dst, which it begins if dst is empty.
func appendBrief(dst []byte, o *consumer.Outcome) []byte {
	if len(dst) == 0 {
		dst = appendTime(append(dst, `{"at":`...), o.At)
		dst = appendString(append(dst, `,"handler":`...), o.Handler)
		dst = appendString(append(dst, `,"stream":`...), o.Origin.RootStream)
		dst = append(dst, `,"accepted":[`...)
	} else {
		dst = append(dst, ',')
	}
	dst = strconv.AppendUint(append(dst, '['), o.Origin.RootSeq, 10)
	dst = strconv.AppendInt(append(dst, ','), int64(o.Counts.Accepted), 10)
	for _, u := range o.Users {
		dst = appendUser(append(dst, ','), u)
	}
	if len(o.Untargeted) > 0 {
		dst = append(dst, ",null"...)
	}
	for _, u := range o.Untargeted {
		dst = appendUser(append(dst, ','), u)
	}
	return append(dst, ']')
}

func appendUser(dst []byte, u push.Uid) []byte {
	return append(append(append(dst, '"'), u.String()...), '"')
}

// endBrief ends a brief message.
func endBrief(dst []byte) []byte { return append(dst, "]}"...) }
