package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// DeadLetters writes to the dead-letter stream.
type DeadLetters struct {
	conn   *broker.Conn
	stream string
}

var _ consumer.DeadLetters = (*DeadLetters)(nil)

// NewDeadLetters returns what writes to t's dead-letter stream.
func NewDeadLetters(c *broker.Conn, t topology.Topology) *DeadLetters {
	return &DeadLetters{conn: c, stream: t.DeadStream()}
}

// Bury implements [consumer.DeadLetters]. It waits for the broker's confirmation
// until ctx ends, at most five seconds.
//
// A letter of a lane is written once within the dedup window of an hour. A letter
// that belongs to no lane, because each lane finds the same malformed bytes and a
// slow one may find them hours later, has a subject of its own and is written
// once for as long as letters are kept.
func (d *DeadLetters) Bury(ctx context.Context, letter deadletter.Letter) error {
	m := envelope(letter)
	d.fit(m, letter.Data)
	_, err := store(ctx, d.conn, m, d.stream)
	if errors.Is(err, consumer.ErrTooLarge) { // for the stream: what is left says where to find the receipt
		letter.Truncated = true
		_, err = store(ctx, d.conn, envelope(letter), d.stream)
	}
	if errors.Is(err, consumer.ErrTooLarge) { // even so: leave out what others have said
		letter.Header, letter.Error = nil, wire.OneLine(letter.Error, shortError)
		_, err = store(ctx, d.conn, envelope(letter), d.stream)
	}
	if letter.Handler == "" && alreadyWritten(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the dead letter of message %d of stream %s: %w", letter.StreamSeq, letter.Stream, err)
	}
	return nil
}

// shortError is how much of an error a letter says that is too large without its data.
const shortError = 64

// envelope is a letter without its data.
func envelope(letter deadletter.Letter) *nats.Msg {
	m := nats.NewMsg(wire.DeadPrefix + letter.Handler)
	wire.SetLetter(m.Header, letter)
	if letter.Handler == "" {
		sum := sha256.Sum256([]byte(letter.ID))
		m.Subject = wire.DeadPrefix + wire.MalformedToken + "." + hex.EncodeToString(sum[:16])
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	}
	return m
}

func alreadyWritten(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// fit sets the payload, cut off and marked where the broker's limit for headers
// and payload together leaves no room for all of it.
func (d *DeadLetters) fit(m *nats.Msg, data []byte) {
	const margin = 256 // for the mark itself and what the client adds
	size := margin
	for name, values := range m.Header {
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	if room := max(0, int(d.conn.MaxPayload())-size); len(data) > room {
		data = data[:room]
		wire.SetTruncated(m.Header)
	}
	m.Data = data
}
