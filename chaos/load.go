package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// users there are; every tenth receipt is to crowd of them, the others to one.
	users = 200
	crowd = 5
	// tokenPrefix is before the user's number in the token of the user's device.
	tokenPrefix = "chaos-device-"
	// flushWithin bounds the wait for the last acknowledgements.
	flushWithin = 2 * time.Minute
)

func token(user uint64) string { return tokenPrefix + strconv.FormatUint(user, 10) }

// publish publishes receipts for as long as the load lasts, and at least until
// faults is closed unless the shape says otherwise, and then waits for what the
// broker has not answered yet.
func (w *world) publish(ctx context.Context, length time.Duration, faults <-chan struct{}) error {
	pub, err := w.conn.Publisher(publisher.Config{})
	if err != nil {
		return fmt.Errorf("open the publisher: %w", err)
	}
	end := time.NewTimer(length)
	defer end.Stop()
	tick := time.NewTicker(time.Second / time.Duration(w.rate))
	defer tick.Stop()
	for loaded := false; ; {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), pub.Close(ctx))
		case <-end.C:
			loaded = true
		case <-tick.C:
			if err := w.send(ctx, pub); err != nil {
				return err
			}
		}
		if loaded && (w.ends || isClosed(faults)) {
			break
		}
	}
	ctx, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	if err := errors.Join(pub.Flush(ctx), pub.Close(ctx)); err != nil {
		return fmt.Errorf("wait for the last acknowledgements: %w", err)
	}
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// send publishes one receipt.
func (w *world) send(ctx context.Context, pub *publisher.Publisher) error {
	w.sent++
	to := []uint64{w.sent%users + 1}
	if w.sent%10 == 0 {
		for len(to) < max(crowd, w.many) {
			to = append(to, to[len(to)-1]%users+1)
		}
	}
	seq := w.ledger.Sent(to)
	r := &push.Receipt{
		To:      make(map[push.Uid]push.Recipient, len(to)),
		Payload: push.Payload{What: push.ActMsg, Topic: "grpChaos", SeqId: seq, From: "usrEDJUdpi63P4", Content: "hello"},
	}
	for _, user := range to {
		r.To[push.Uid(user)] = push.Recipient{Unread: 1}
	}
	err := pub.PublishAsync(ctx, r, func(_ publisher.Ack, err error) {
		if err == nil {
			w.ledger.Acked(seq)
		}
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, publisher.ErrUnavailable) {
		return fmt.Errorf("publish receipt %d: %w", seq, err)
	}
	return nil
}
