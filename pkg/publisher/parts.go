package publisher

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/pkg/push"
)

// part is a message that is published for a receipt, or for some of its recipients.
type part struct {
	msg *nats.Msg
	r   *push.Receipt
}

// parts makes the messages of r: one, or several if r has more recipients than the
// limits allow. They are the same at each call, so that each has the same id, too.
func (p *Publisher) parts(ctx context.Context, r *push.Receipt, opts []Option) ([]part, error) {
	if r == nil {
		return nil, fmt.Errorf("%w: the receipt is nil", ErrRefused)
	}
	if p.cfg.MaxContent > 0 {
		r = shortened(r, p.cfg.MaxContent)
	}
	data, err := r.AppendJSON(nil, push.KeyText)
	if err != nil {
		return nil, fmt.Errorf("%w: encode the receipt: %w", ErrRefused, err)
	}
	if err := p.fits(data); err == nil || len(r.To) < 2 {
		msg, msgErr := p.encoded(ctx, r, data, err, opts)
		return []part{{msg, r}}, msgErr
	}
	return p.split(ctx, r, opts)
}

// split makes a message of each part of r.
func (p *Publisher) split(ctx context.Context, r *push.Receipt, opts []Option) (all []part, err error) {
	for i, some := range p.divide(r) {
		data, err := some.AppendJSON(nil, push.KeyText)
		if err != nil {
			return nil, fmt.Errorf("%w: encode a part of the receipt: %w", ErrRefused, err)
		}
		msg, err := p.encoded(ctx, some, data, p.fits(data), opts)
		if err != nil {
			return nil, err
		}
		if id := msg.Header.Get(jetstream.MsgIDHeader); i > 0 && id == all[0].msg.Header.Get(jetstream.MsgIDHeader) {
			msg.Header.Set(jetstream.MsgIDHeader, id+"."+strconv.Itoa(i+1)) // the caller's own id
		}
		all = append(all, part{msg, some})
	}
	return all, nil
}

// encoded makes the message of r, whose JSON is data, unless it does not fit.
func (p *Publisher) encoded(ctx context.Context, r *push.Receipt, data []byte, fits error, opts []Option) (*nats.Msg, error) {
	if fits != nil {
		return nil, fits
	}
	return p.message(ctx, p.subject(r), data, p.cfg.DedupID(r), opts)
}

// fits refuses what is beyond the workers' limits.
func (p *Publisher) fits(data []byte) error {
	const least = 3 // bytes that the id of a device takes
	l := p.cfg.Limits
	if len(data) <= l.MaxBytes && len(data) < least*min(l.MaxKeys, l.MaxRecipients) && brackets(data) <= l.MaxDepth {
		return nil
	}
	_, bad, err := push.Decode(data, l)
	if len(bad) > 0 { // one recipient alone is beyond them
		err = bad[0].Err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return nil
}

// brackets is how deep the JSON of a receipt can be nested at most: by the brackets of
// its payload, which come after its recipients, who have four levels.
func brackets(data []byte) int {
	const recipients, receipt = 4, 1
	payload := data[max(0, bytes.Index(data, []byte(`,"payload":`))):]
	return max(recipients, receipt+bytes.Count(payload, []byte{'{'})+bytes.Count(payload, []byte{'['}))
}

// divide makes receipts of r, with recipients in the order of their ids. The channel's
// subscribers are told by the first.
func (p *Publisher) divide(r *push.Receipt) []*push.Receipt {
	lone := push.Receipt{Channel: r.Channel, Payload: r.Payload}
	bare, _ := lone.AppendJSON(nil, push.KeyText) // all of r was encoded before
	var all []*push.Receipt
	var count, bytes int
	for _, uid := range slices.Sorted(maps.Keys(r.To)) {
		to := r.To[uid]
		weight, length := 1+len(to.Devices), jsonLength(to)
		if len(all) == 0 || count+weight > p.cfg.Limits.MaxRecipients || len(bare)+bytes+length > p.cfg.Limits.MaxBytes {
			all = append(all, &push.Receipt{To: map[push.Uid]push.Recipient{}, Channel: lone.Channel, Payload: r.Payload})
			lone.Channel, count, bytes = "", 0, 0
		}
		all[len(all)-1].To[uid] = to
		count, bytes = count+weight, bytes+length
	}
	return all
}

// jsonLength is at least the bytes that to takes in JSON, its key included.
func jsonLength(to push.Recipient) int {
	n := len(`"AQAAAAAAAAA":{"delivered":,"devices":[],"unread":},`) + len(strconv.Itoa(to.Delivered)) + len(strconv.Itoa(to.Unread))
	for _, id := range to.Devices {
		n += 6*len(id) + len(`"",`) // each byte may need an escape
	}
	return n
}

// and is the word for what a and b were for: that of the last, and a duplicate only if
// all are.
func (a Ack) and(b Ack) Ack {
	b.Duplicate = b.Duplicate && a.Duplicate
	return b
}

// launchAll launches the parts of a receipt. done is called once, when the last has
// ended, with the first error.
func (p *Publisher) launchAll(ctx context.Context, parts []part, done func(Ack, error)) error {
	rest := remaining{parts: len(parts), ack: Ack{Duplicate: true}}
	end := func(ack Ack, err error) { // one callback at a time
		if rest.end(ack, err) && done != nil {
			done(rest.ack, rest.err)
		}
	}
	since := time.Now()
	for i, part := range parts {
		_, err := p.launch(ctx, part.msg, since, end, true)
		if err != nil && i == 0 {
			return err
		}
		if err != nil { // others are on their way
			p.callbacks.add(func() { end(Ack{}, err) })
		}
	}
	return nil
}

// remaining counts the parts of a receipt that have not ended.
type remaining struct {
	parts int
	ack   Ack
	err   error
}

// end ends a part, and reports whether it was the last.
func (m *remaining) end(ack Ack, err error) bool {
	m.parts--
	if err == nil {
		m.ack = m.ack.and(ack)
	} else if m.err == nil {
		m.err = err
	}
	if m.err != nil {
		m.ack = Ack{}
	}
	return m.parts == 0
}
