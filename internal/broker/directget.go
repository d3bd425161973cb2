package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/device"
)

// errAnswerTorn says that a message went while the broker was sending it.
var errAnswerTorn = errors.New("the broker's answer has a gap")

// getMany sends one direct get and returns all messages of the answer, most at most;
// none is how the broker says that there are none. When there are more than it sent,
// getMany returns [errAnswerCut] with what there is.
func (c *Conn) getMany(ctx context.Context, subject string, body []byte, most int, none string) ([]stored, error) {
	all := make([]stored, 0, most)
	err := c.eachOf(ctx, subject, body, most, none, func(seq uint64, m *nats.Msg) {
		all = append(all, stored{lastOf(m.Header, jetstream.SubjectHeader), device.Entry{Value: kvValue(m.Data, m.Header), Revision: seq}})
	})
	if err != nil && !errors.Is(err, errAnswerCut) {
		return nil, err
	}
	return all, err
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
	back := c.events.nextReconnect()
	if err := c.nc.PublishRequest(subject, inbox, body); err != nil {
		return fmt.Errorf("asking the broker: %w", err)
	}
	var last uint64
	for {
		var m *nats.Msg
		select {
		case m = <-messages:
		case <-back: // the answer went to the connection before
			return errAnswerTorn
		case <-ctx.Done():
			return fmt.Errorf("waiting for the broker's answer: %w", ctx.Err())
		}
		// Only what is stored has a sequence. A header Status may be the publisher's.
		if lastOf(m.Header, jetstream.SequenceHeader) == "" && m.Header.Get("Status") != "" {
			return endOfAnswer(m.Header, last, none)
		}
		seq, err := chained(m.Header, last)
		if err != nil {
			return err
		}
		last = seq
		each(seq, m)
	}
}

// lastOf returns the last value of a header: the broker adds its own to those of the
// publisher, which may have the same name.
func lastOf(h nats.Header, name string) string {
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
		return errAnswerTorn
	case status != "204":
		return fmt.Errorf("the broker answers %s %s: it needs nats-server 2.12 or newer", status, description)
	}
	if _, err := chained(h, last); err != nil {
		return err
	}
	if n := h.Get("Nats-Num-Pending"); n != "0" {
		return fmt.Errorf("%w: %s messages more", errAnswerCut, n)
	}
	return nil
}

// chained reads a message's sequence and checks which one it says was before it.
func chained(h nats.Header, last uint64) (seq uint64, err error) {
	if before, err := strconv.ParseUint(lastOf(h, "Nats-Last-Sequence"), 10, 64); err != nil || before != last {
		return 0, errAnswerTorn
	}
	if text := lastOf(h, jetstream.SequenceHeader); text != "" {
		if seq, err = strconv.ParseUint(text, 10, 64); err != nil {
			return 0, fmt.Errorf("reading the broker's answer: %w", err)
		}
	}
	return seq, nil
}

// kvValue is the value in a message of a bucket: nil for a deletion.
func kvValue(data []byte, h nats.Header) []byte {
	if len(data) == 0 || h.Get(kvOperation) != "" || h.Get(jetstream.MarkerReasonHeader) != "" {
		return nil
	}
	return data
}
