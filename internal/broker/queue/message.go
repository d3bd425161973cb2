package queue

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/consumer"
)

// What a broker understands as an answer to a delivery; nobody writes to them.
var ack, nak, inProgress = []byte("+ACK"), []byte("-NAK"), []byte("+WPI") //nolint:gochecknoglobals // constants but for their type

// message is one delivery of a stored message.
type message struct {
	nc     *nats.Conn
	data   []byte
	size   int
	ack    string
	origin consumer.Origin
}

var _ consumer.Message = (*message)(nil)

func newMessage(s *Source, m *nats.Msg) (*message, error) {
	msg := &message{nc: s.conn.NATS(), data: m.Data, size: m.Size(), ack: m.Reply}
	o := &msg.origin
	if err := readAck(o, m.Reply); err != nil {
		return nil, fmt.Errorf("reading a message of %s: %w", s.durable, err)
	}
	o.RootStream, o.RootSeq, o.First, o.Subject = o.Stream, o.Seq, o.Stored, m.Subject
	switch {
	case s.retried:
		wire.ReadRetry(o, m.Header, s.handler)
		o.Alone = s.alone
	case len(m.Header) > 0:
		wire.SetPublished(o, m.Header)
	}
	return msg, nil
}

// readAck reads what the subject for the ack says of the delivery, of either version
// (nats-server's ADR-15):
//
//	$JS.ACK.[<domain>.<account>.]<stream>.<durable>.<deliveries>.<seq>.<durable's seq>.<stored>.<pending>[.<random>]
//
// The client library's Metadata makes more of it, and was a twentieth of what a receipt
// costs.
func readAck(o *consumer.Origin, subject string) error {
	rest, ours := strings.CutPrefix(subject, "$JS.ACK.")
	dots := strings.Count(rest, ".")
	if !ours || dots < 6 || dots == 7 {
		return fmt.Errorf("%q is no subject for an ack", subject)
	}
	if dots > 6 {
		_, rest, _ = strings.Cut(rest, ".")
		_, rest, _ = strings.Cut(rest, ".")
	}
	o.Stream, rest, _ = strings.Cut(rest, ".")
	_, rest, _ = strings.Cut(rest, ".")
	var numbers [4]uint64
	for i := range numbers {
		var text string
		text, rest, _ = strings.Cut(rest, ".")
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return fmt.Errorf("subject %q for an ack: %w", subject, err)
		}
		numbers[i] = n
	}
	o.Deliveries, o.Seq = int(min(numbers[0], maxDeliveries)), numbers[1]
	o.Stored = time.Unix(0, int64(numbers[3])) //nolint:gosec // has 63 bits
	return nil
}

// maxDeliveries keeps the broker's count within an int of any size.
const maxDeliveries = 1 << 30

// Data implements [consumer.Message].
func (m *message) Data() []byte { return m.data }

// Size implements [consumer.Message].
func (m *message) Size() int { return m.size }

// Origin implements [consumer.Message].
func (m *message) Origin() *consumer.Origin { return &m.origin }

// Ack implements [consumer.Message].
func (m *message) Ack() error { return m.reply(ack) }

// InProgress implements [consumer.Message].
func (m *message) InProgress() error { return m.reply(inProgress) }

// Nak implements [consumer.Message].
func (m *message) Nak(delay time.Duration) error {
	if delay <= 0 {
		return m.reply(nak)
	}
	return m.reply(fmt.Appendf(nil, `-NAK {"delay":%d}`, int64(delay)))
}

func (m *message) reply(verb []byte) error {
	if err := m.nc.Publish(m.ack, verb); err != nil {
		return fmt.Errorf("settling message %d of stream %s: %w", m.origin.Seq, m.origin.Stream, err)
	}
	return nil
}
