package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrAnswerTorn says that a message went while the broker was sending it.
	ErrAnswerTorn = errors.New("the broker's answer has a gap")
	// ErrAnswerCut says that there are more messages than were sent.
	ErrAnswerCut = errors.New("the broker's answer is incomplete")
)

const (
	// MaxLast is how many last messages the broker gives at a time.
	MaxLast = 1024
	// MaxAnswer is how many bytes to have sent for one question, far below what would
	// make the broker take us for a slow consumer.
	MaxAnswer = 8 << 20
	// ReadTries is how often a read is begun anew that met a message which was
	// overwritten meanwhile.
	ReadTries = 5
	// ReadPause is the pause before that.
	ReadPause = 5 * time.Millisecond
)

// Query asks a stream for several messages at once.
type Query struct {
	// Last asks for the last message of each of these subjects, of which there are Most
	// with wildcards.
	Last []string `json:"multi_last,omitempty"`
	Most int      `json:"-"`
	// Seq, Subject and Batch ask for the next messages from a sequence on.
	Seq     uint64 `json:"seq,omitempty"`
	Subject string `json:"next_by_subj,omitempty"`
	Batch   int    `json:"batch,omitempty"`
	// MaxBytes bounds the answer.
	MaxBytes int `json:"max_bytes,omitempty"`
}

// none is how the broker says that there are no such messages.
func (q Query) none() string {
	if q.Last != nil {
		return "No Results"
	}
	return "Message Not Found"
}

// DirectGet asks a stream and hands each message of the answer to each. It is an
// error when one is missing, [ErrAnswerCut] when there are more than were sent. Each
// message may take [RequestTimeout], so that a large answer passes a slow line.
func (c *Conn) DirectGet(ctx context.Context, stream string, q Query, each func(seq uint64, m *nats.Msg)) error {
	subject := "$JS.API.DIRECT.GET." + stream
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("encoding a question: %w", err)
	}
	if err := c.found(ctx, stream); err != nil {
		return err
	}
	err = c.askFor(ctx, subject, func(ctx context.Context) error {
		return c.eachOf(ctx, subject, body, max(len(q.Last), q.Most, q.Batch), q.none(), each)
	})
	c.forgetFound(stream, err)
	return err
}

// eachOf sends one direct get and hands each message of the answer to each, until
// one is missing. The helper of jetstreamext would not do: it takes silence for the
// end, so that what comes late or not at all would look like users without devices.
// Here each message names the one before it, and the last says how many there are
// beyond.
func (c *Conn) eachOf(ctx context.Context, subject string, body []byte, most int, none string, each func(seq uint64, m *nats.Msg)) error {
	inbox := c.nc.NewInbox()
	// A subscription with a channel of the client's own would cost half a megabyte.
	messages := make(chan *nats.Msg, most+1)
	sub, err := c.nc.ChanSubscribe(inbox, messages)
	if err != nil {
		return fmt.Errorf("subscribing to an answer: %w", err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // it fails with the connection only
	back := c.NextReconnect()
	if err := c.nc.PublishRequest(c.Subject(subject), inbox, body); err != nil {
		return fmt.Errorf("asking the broker: %w", err)
	}
	return readAnswer(ctx, messages, back, none, each)
}

// readAnswer reads the messages of one answer; back ends when the connection is replaced.
func readAnswer(ctx context.Context, messages <-chan *nats.Msg, back <-chan struct{}, none string, each func(seq uint64, m *nats.Msg)) error {
	silence := time.NewTimer(RequestTimeout)
	defer silence.Stop()
	var last uint64
	for {
		var m *nats.Msg
		select {
		case m = <-messages:
			silence.Reset(RequestTimeout)
		case <-silence.C:
			return fmt.Errorf("waiting for the broker's answer: %w", context.DeadlineExceeded)
		case <-back: // the answer went to the connection before
			return ErrAnswerTorn
		case <-ctx.Done():
			return fmt.Errorf("waiting for the broker's answer: %w", ctx.Err())
		}
		// Only what is stored has a sequence. A header Status may be the publisher's.
		if LastOf(m.Header, jetstream.SequenceHeader) == "" {
			switch {
			case Hidden(m):
				return ErrHidden
			case m.Header.Get("Status") != "":
				return endOfAnswer(m.Header, last, none)
			}
		}
		seq, err := chained(m.Header, last)
		if err != nil {
			return err
		}
		last = seq
		each(seq, m)
	}
}

// LastOf returns the last value of a header: the broker adds its own to those of the
// publisher, which may have the same name.
func LastOf(h nats.Header, name string) string {
	values := h[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// endOfAnswer reads the message without data that ends an answer whose last message
// was last.
func endOfAnswer(h nats.Header, last uint64, none string) error {
	description := h.Get("Description")
	switch status := h.Get("Status"); {
	case status == "503":
		return nats.ErrNoResponders
	case status == "404" && last == 0 && description == none:
		return nil
	case status == "404":
		return ErrAnswerTorn
	case status != "204":
		return fmt.Errorf("the broker answers %s %s: it needs nats-server 2.12 or newer", status, description)
	}
	if _, err := chained(h, last); err != nil {
		return err
	}
	if n := h.Get("Nats-Num-Pending"); n != "0" {
		return fmt.Errorf("%w: %s messages more", ErrAnswerCut, n)
	}
	return nil
}

// chained reads a message's sequence and checks which one it says was before it.
func chained(h nats.Header, last uint64) (seq uint64, err error) {
	if before, err := strconv.ParseUint(LastOf(h, "Nats-Last-Sequence"), 10, 64); err != nil || before != last {
		return 0, ErrAnswerTorn
	}
	if text := LastOf(h, jetstream.SequenceHeader); text != "" {
		if seq, err = strconv.ParseUint(text, 10, 64); err != nil {
			return 0, fmt.Errorf("reading the broker's answer: %w", err)
		}
	}
	return seq, nil
}

// KVOperation is the header of a message of a bucket that is no value.
const KVOperation = "KV-Operation"

// KVValue is the value in a message of a bucket: nil for a deletion.
func KVValue(data []byte, h nats.Header) []byte {
	if len(data) == 0 || h.Get(KVOperation) != "" || h.Get(jetstream.MarkerReasonHeader) != "" {
		return nil
	}
	return data
}

// First is the first stored message from a sequence on, and how many there
// are with it.
type First struct {
	Stored time.Time
	Count  uint64
}

// First asks for the first message of stream from seq on whose subject matches.
// The answer to a batch of one carries the count of all that match, which no
// other question answers without listing them.
func (c *Conn) First(ctx context.Context, stream string, seq uint64, subject string) (First, error) {
	ask := "$JS.API.DIRECT.GET." + stream
	body, err := json.Marshal(Query{Seq: seq, Subject: subject, Batch: 1})
	if err != nil {
		return First{}, fmt.Errorf("encoding a question to stream %s: %w", stream, err)
	}
	if err := c.found(ctx, stream); err != nil {
		return First{}, fmt.Errorf("reading stream %s: %w", stream, err)
	}
	var answer *nats.Msg
	err = c.Ask(ctx, ask, func(ctx context.Context) (err error) {
		answer, err = c.nc.RequestWithContext(ctx, c.Subject(ask), body)
		return err
	})
	if err != nil {
		return First{}, fmt.Errorf("reading stream %s: %w", stream, err)
	}
	h := answer.Header
	switch {
	case Hidden(answer):
		return First{}, fmt.Errorf("reading stream %s from message %d on: %w", stream, seq, ErrHidden)
	case LastOf(h, jetstream.SequenceHeader) == "": // 404: there is none
		return First{}, nil
	}
	rest, err := strconv.ParseUint(LastOf(h, "Nats-Num-Pending"), 10, 64)
	if err != nil {
		return First{}, fmt.Errorf("reading the answer of stream %s: %w: it needs nats-server 2.12 or newer", stream, err)
	}
	stored, err := time.Parse(time.RFC3339Nano, LastOf(h, jetstream.TimeStampHeaer))
	if err != nil {
		return First{}, fmt.Errorf("reading the answer of stream %s: %w", stream, err)
	}
	return First{Stored: stored, Count: rest + 1}, nil
}
