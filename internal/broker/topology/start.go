package topology

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The words that say where a lane starts; an RFC 3339 time is the third way.
const (
	// StartNew begins with the next receipt published.
	StartNew = "new"
	// StartOldest begins with the oldest receipt kept.
	StartOldest = "oldest"
)

// start is where a durable of the receipts begins, and why.
type start struct {
	policy jetstream.DeliverPolicy
	seq    uint64    // for DeliverByStartSequence
	at     time.Time // for DeliverByStartTime
	// why is the end of the sentence that tells people; notice says that they should
	// look at it.
	why    string
	notice bool
}

// startOf decides where the durable of lane begins that is missing in a stream. p is
// where the lane stood, known whether anything is recorded of it. A position wins,
// since the lane is not new; then what the operator said; then what harms nobody: a
// lane beside receipts that are older than it does not send them to telephones.
func (t Topology) startOf(lane string, p position, known bool, info *jetstream.StreamInfo) start {
	word := t.Starts[lane]
	at, err := time.Parse(time.RFC3339, word)
	switch {
	case known && p.Stream.Equal(info.Created):
		settled := min(p.Settled, info.State.LastSeq) // a power cut may have cost the stream its end
		return start{
			policy: jetstream.DeliverByStartSequencePolicy, seq: settled + 1, notice: true,
			why: fmt.Sprintf("it continues after receipt %d, up to which the lane has settled everything", settled),
		}
	case known: // the stream is younger than the lane
		return start{policy: jetstream.DeliverAllPolicy, why: "it starts with the oldest receipt kept, because the stream was made after the lane"}
	case word != "" && err == nil:
		return start{policy: jetstream.DeliverByStartTimePolicy, at: at, why: "it starts with receipts published since " + word + `, as "start" says`}
	case word == StartNew:
		return start{policy: jetstream.DeliverNewPolicy, why: `it starts with the next receipt published, as "start" says`}
	case word == StartOldest:
		return start{policy: jetstream.DeliverAllPolicy, why: `it starts with the oldest receipt kept, as "start" says`}
	case info.State.Msgs == 0:
		return start{policy: jetstream.DeliverAllPolicy, why: "it starts with the oldest receipt kept"}
	}
	return start{policy: jetstream.DeliverNewPolicy, notice: true, why: fmt.Sprintf(
		"it starts with the next receipt published and leaves out the %d that the stream holds already. "+
			"`pushworker replay --handler %s` sends those; "+
			"to begin elsewhere, run `pushworker lane retire %s`, put \"start\": \"oldest\" or a time into the handler's entry, and start again", info.State.Msgs, lane, lane)}
}

// apply makes config begin at s. A pause goes on in a durable that is made anew.
func (s start) apply(config *jetstream.ConsumerConfig, p position) {
	config.DeliverPolicy, config.OptStartSeq = s.policy, s.seq
	if !s.at.IsZero() {
		config.OptStartTime = &s.at
	}
	if until := p.PausedUntil; until.After(time.Now()) {
		config.PauseUntil = &until
	}
}

// validateStarts reports every start that is none.
func (t Topology) validateStarts() []error {
	var errs []error
	for lane, word := range t.Starts {
		_, err := time.Parse(time.RFC3339, word)
		if word != "" && word != StartNew && word != StartOldest && err != nil {
			errs = append(errs, fmt.Errorf("start %q of handler %s: use new, oldest or an RFC 3339 time (PUSHWORKER_HANDLERS)", word, lane))
		}
	}
	return errs
}
