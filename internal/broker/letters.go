package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// malformedToken stands in the subject of letters that belong to no lane.
const malformedToken = "_malformed"

// Letters is the dead-letter stream.
type Letters struct {
	conn   *Conn
	stream string
}

var _ consumer.DeadLetters = (*Letters)(nil)

// Letters returns the letters of t's dead-letter stream.
func (c *Conn) Letters(t Topology) *Letters {
	return &Letters{conn: c, stream: t.DeadStream()}
}

// Bury implements [consumer.DeadLetters]. It waits for the broker's confirmation
// until ctx ends, at most five seconds.
//
// A letter of a lane is written once within the dedup window of an hour. A letter
// that belongs to no lane, because each lane finds the same malformed bytes and a
// slow one may find them hours later, has a subject of its own and is written
// once for as long as letters are kept.
func (l *Letters) Bury(ctx context.Context, letter deadletter.Letter) error {
	m := nats.NewMsg(deadPrefix + letter.Handler)
	setLetter(m.Header, letter)
	if letter.Handler == "" {
		sum := sha256.Sum256([]byte(letter.ID))
		m.Subject = deadPrefix + malformedToken + "." + hex.EncodeToString(sum[:16])
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	}
	l.fit(m, letter.Data)
	err := l.conn.store(ctx, m, l.stream)
	if errors.Is(err, consumer.ErrTooLarge) { // for the stream: what is left says where to find the receipt
		m.Data = nil
		m.Header.Set(headerTruncated, isTrue)
		err = l.conn.store(ctx, m, l.stream)
	}
	if letter.Handler == "" && alreadyWritten(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the dead letter of message %d of stream %s: %w", letter.StreamSeq, letter.Stream, err)
	}
	return nil
}

func alreadyWritten(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// fit sets the payload, cut off and marked where the broker's limit for headers
// and payload together leaves no room for all of it.
func (l *Letters) fit(m *nats.Msg, data []byte) {
	const margin = 256 // for the mark itself and what the client adds
	size := margin
	for name, values := range m.Header {
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	if room := max(0, int(l.conn.nc.MaxPayload())-size); len(data) > room {
		data = data[:room]
		m.Header.Set(headerTruncated, isTrue)
	}
	m.Data = data
}

func setLetter(h nats.Header, l deadletter.Letter) {
	setForwarded(h, l.Header)
	h.Set(headerMsgID, oneLine(l.ID, maxErrorText))
	h.Set(headerHandler, oneLine(l.Handler, maxErrorText))
	h.Set(headerReason, oneLine(l.Reason, maxErrorText))
	h.Set(headerError, oneLine(l.Error, maxErrorText))
	h.Set(headerAttempt, strconv.Itoa(l.Attempts))
	h.Set(headerFirst, formatTime(l.First))
	h.Set(headerLast, formatTime(l.Last))
	h.Set(headerOriginStream, oneLine(l.Stream, maxErrorText))
	h.Set(headerOriginSeq, strconv.FormatUint(l.StreamSeq, 10))
	h.Set(headerOriginSubject, oneLine(l.Subject, maxErrorText))
	setStory(h, l.Expires, l.Redriven, l.Narrowed)
	if l.Truncated {
		h.Set(headerTruncated, isTrue)
	}
}
