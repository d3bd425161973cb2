package consumer

import (
	"errors"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// readElsewhere is why somebody is not told: a later receipt says that the user has
// read it on another device.
const readElsewhere = "read_elsewhere"

var errReadElsewhere = errors.New(readElsewhere + ": the user has read it on another device")

// waitTurn notes what d says was read, and gives d its turn. It reports whether d may
// start at once; otherwise the lane starts it later, and it is nobody's probe, because
// the breaker cannot wait for others.
func (l *Lane) waitTurn(d *delivery) (now bool) {
	r := d.receipt
	d.talk = newConversation(l.marks.seed, r.Payload.Topic)
	if r.Payload.What == push.ActRead {
		l.noteRead(d)
	}
	probe := d.probe
	d.probe = nil
	if l.order.enter(d, d.talk.keys(d.turn.one[:0], r)) {
		d.probe = probe
		return true
	}
	if probe != nil {
		probe(errNoVerdict)
	}
	l.order.start(l.startLater) // the oldest, if too many wait
	return false
}

// startLater starts a delivery that has waited for its turn.
func (l *Lane) startLater(d *delivery) {
	d.due = time.Now()
	l.start(d) // a drop is counted there
}

// noteRead remembers what a read says.
func (l *Lane) noteRead(d *delivery) {
	p := &d.receipt.Payload
	for user := range d.receipt.To {
		if !d.talk.known(user) {
			continue
		}
		mark := d.mark(d.talk.of(user), p.SeqId)
		if l.marks.reads.note(mark) == mark {
			topic := p.Topic
			if peer := d.talk.peer(user); !peer.IsZero() {
				topic = peer.UserId()
			}
			l.marks.tell(Mark{User: user, Topic: topic, Value: p.SeqId, Stream: d.origin.RootStream, Seq: d.origin.RootSeq, At: d.origin.First})
		}
	}
}

// mark is what d's receipt says of key.
func (d *delivery) mark(key uint64, value int) place {
	return place{key: key, stream: d.lane.marks.of(d.origin.RootStream), seq: d.origin.RootSeq, at: d.origin.First.UnixNano(), value: value}
}

// news takes out of d's receipt those who have read it elsewhere, and brings the
// badges of the others up to date, if the handler notifies people. It reports whether
// anybody is left.
func (l *Lane) news(d *delivery) (left bool) {
	if n, ok := l.handler.(push.Notifier); !ok || !n.Notifies() {
		return true
	}
	if fades(&d.receipt.Payload) && l.marks.reads.used.Load() {
		l.leaveOut(d)
	}
	if len(d.elsewhere) > 0 && d.targets == 0 {
		return false
	}
	l.freshen(d)
	return true
}

// leaveOut takes out of d's receipt those who have read it elsewhere.
func (l *Lane) leaveOut(d *delivery) {
	for user := range d.receipt.To {
		m, found := l.marks.reads.find(d.talk.of(user))
		if found && m.after(d.mark(0, 0)) && d.receipt.Payload.SeqId <= m.value && d.talk.known(user) {
			d.elsewhere = append(d.elsewhere, user)
			delete(d.receipt.To, user)
			d.targets--
		}
	}
}

// freshen replaces badges that are older than one that was sent.
func (l *Lane) freshen(d *delivery) {
	for user, to := range d.receipt.To {
		mark := d.mark(uint64(user), to.Unread)
		switch newest := l.badges.note(mark); {
		case newest == mark:
			l.marks.tell(Mark{User: user, Handler: l.name, Value: to.Unread, Stream: d.origin.RootStream, Seq: mark.seq, At: d.origin.First})
		case newest.value != to.Unread:
			to.Unread = newest.value
			d.receipt.To[user] = to
		}
	}
}

// fades reports whether nobody needs p who has read the message: a message, a missed
// call, or a read that a later one includes. Other news of a call stop its ringing.
func fades(p *push.Payload) bool {
	switch p.What {
	case push.ActMsg:
		return p.SeqId > 0 && (p.Webrtc == "" || p.Webrtc == "missed")
	case push.ActRead:
		return p.SeqId > 0
	}
	return false
}

// endTurn lets those start that have waited for d alone.
func (d *delivery) endTurn() {
	if len(d.turn.keys) > 0 {
		d.lane.order.leave(d)
		d.lane.order.start(d.lane.startLater)
	}
}

// ackElsewhere settles a receipt that everybody has read elsewhere.
func (d *delivery) ackElsewhere() {
	d.leaving.Store(true)
	d.endProbe()
	d.ack(retry.Ack, errReadElsewhere, time.Now())
}

// narrowed narrows a failure of what the handler was given to whom it was given for. What
// comes back as it was is looked at again then.
func (d *delivery) narrowed(err error) error {
	_, part := errors.AsType[*push.Undelivered](err)
	if err == nil || part || len(d.elsewhere) == 0 || errors.Is(err, push.ErrNotStarted) || isUnavailable(err) {
		return err
	}
	return &push.Undelivered{To: d.receipt.To, Channel: d.receipt.Channel, Err: err}
}

// itemized are the targets as the handler has listed them, and those left out.
func (d *delivery) itemized() []push.Target {
	told := d.receipt.Itemized()
	if len(d.elsewhere) == 0 {
		return told
	}
	all := append(make([]push.Target, 0, len(told)+len(d.elsewhere)), told...)
	for _, user := range d.elsewhere {
		all = append(all, push.Target{Device: push.Device{User: user}, Result: push.ResultSkipped, Why: readElsewhere})
	}
	return all
}
