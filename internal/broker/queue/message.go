package queue

import (
	"fmt"
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
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("reading a message of %s: %w", s.durable, err)
	}
	msg := &message{nc: s.conn.NATS(), data: m.Data, size: m.Size(), ack: m.Reply}
	o := &msg.origin
	o.Stream, o.Seq, o.Stored = meta.Stream, meta.Sequence.Stream, meta.Timestamp
	o.Deliveries = int(min(meta.NumDelivered, maxDeliveries))
	o.RootStream, o.RootSeq, o.First, o.Subject = o.Stream, o.Seq, o.Stored, m.Subject
	switch {
	case s.retried:
		wire.ReadRetry(o, m.Header, s.handler)
		o.Alone = s.alone
	case len(m.Header) > 0:
		o.Expires, o.Header = wire.ReadPublished(m.Header)
	}
	return msg, nil
}

// maxDeliveries keeps the broker's count within an int of any size.
const maxDeliveries = 1 << 30

// Data implements [consumer.Message].
func (m *message) Data() []byte { return m.data }

// Size implements [consumer.Message].
func (m *message) Size() int { return m.size }

// Origin implements [consumer.Message].
func (m *message) Origin() consumer.Origin { return m.origin }

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
