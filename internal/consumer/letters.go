package consumer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// ackRejected settles a receipt of which nothing is to be tried again, once there is
// a letter for the targets that were refused for good.
func (d *delivery) ackRejected(v retry.Verdict, why error) {
	d.lane.store(func() { d.writeRejectedAndAck(v, why) })
}

func (d *delivery) writeRejectedAndAck(v retry.Verdict, why error) {
	if d.writeRejected(why) != nil {
		d.park(why)
		return
	}
	d.ack(v, why, time.Now())
}

// rejected is the part of why that was refused for good while others remain; nil if
// there is none.
func rejected(why error) error {
	if part, ok := errors.AsType[*push.Undelivered](why); ok {
		return part.Rejected
	}
	return nil
}

// writeRejected writes a letter for the targets that were refused for good while
// others remain.
func (d *delivery) writeRejected(why error) error {
	refused := rejected(why)
	if refused == nil {
		return nil
	}
	letter := d.letter(retry.Rejected, refused, d.origin.Attempts+1)
	letter.ID += ":refused" // what remains may get a letter, too
	if err := d.write(letter); err != nil {
		return err
	}
	d.lane.metrics.letters[retry.Rejected].Inc()
	d.logLine(refusedLine, refused)
	return nil
}

// letter is the letter for what why says was not delivered: all of the receipt,
// unless why is a [*push.Undelivered].
func (d *delivery) letter(reason retry.Reason, why error, attempts int) deadletter.Letter {
	o := d.origin
	letter := deadletter.Letter{
		Handler: d.lane.name, Reason: reason.String(), Error: why.Error(), Attempts: attempts,
		First: o.First, Last: time.Now(), Stream: o.RootStream, StreamSeq: o.RootSeq, Subject: o.Subject,
		Expires: o.Expires, Waited: o.Waited, Redriven: o.Redriven, Traced: d.first(),
		ID:   o.Stream + ":" + strconv.FormatUint(o.Seq, 10) + ":" + strconv.FormatInt(o.Stored.UnixNano(), 36),
		Data: d.data, Narrowed: o.Narrowed, Header: o.Header,
	}
	if unread := reason == retry.Malformed || reason == retry.Oversize && d.receipt == nil; unread && !d.in.private {
		letter.Handler = "" // every lane sees the same bytes: one letter for all
	} else {
		letter.ID += ":" + d.lane.name
	}
	if part, ok := errors.AsType[*push.Undelivered](why); ok {
		letter.Error = part.Err.Error()
		// A handler that names what is no recipient gets a letter with all of it.
		if rest, err := push.Narrow(letter.Data, part.To, part.Channel); err == nil {
			letter.Data, letter.Narrowed = rest, true
		}
	}
	return letter
}

// reasonOf is the reason code of a receipt that cannot be decoded.
func reasonOf(err error) retry.Reason {
	if m, ok := errors.AsType[*push.MalformedError](err); ok && m.Oversize {
		return retry.Oversize
	}
	return retry.Malformed
}

// write stores the letter, however long that takes. It fails when the lane stops.
func (d *delivery) write(letter deadletter.Letter) error {
	stored := d.trace.StoresLetter()
	err := d.keep(&d.lane.letters, func(ctx context.Context) error { return d.lane.deadLetters.Bury(ctx, letter) })
	stored(err)
	return err
}
