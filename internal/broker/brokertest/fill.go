package brokertest

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// stall is how long the client waits for a place among the acks that are
	// outstanding: its default of 200 ms is too short for a busy machine.
	stall = time.Minute
	// window is how many messages are stored before all acks are awaited.
	window = 1000
)

// Fill stores n messages on subject, body(0) to body(n-1), and returns when the
// broker has confirmed all of them.
func Fill(tb testing.TB, js jetstream.JetStream, subject string, n int, body func(i int) []byte) {
	tb.Helper()
	acks := make([]jetstream.PubAckFuture, 0, min(n, window))
	for i := range n {
		ack, err := js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: body(i)}, jetstream.WithStallWait(stall))
		if err != nil {
			tb.Fatal(err)
		}
		if acks = append(acks, ack); len(acks) == window || i == n-1 {
			confirm(tb, acks)
			acks = acks[:0]
		}
	}
}

// confirm waits for the acks, since an async publish that failed says so only there.
func confirm(tb testing.TB, acks []jetstream.PubAckFuture) {
	tb.Helper()
	late := time.NewTimer(stall)
	defer late.Stop()
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			tb.Fatal(err)
		case <-late.C:
			tb.Fatal("messages were not stored")
		}
	}
}

// Settle acks the next n messages of a durable in a worker's place.
func (b *Broker) Settle(tb testing.TB, stream, durable string, n int) {
	tb.Helper()
	_, js := Client(tb, b.URL())
	c, err := js.Consumer(tb.Context(), stream, durable)
	end := time.Now().Add(Deadline)
	for left := n; err == nil && left > 0; {
		if time.Now().After(end) {
			tb.Fatalf("%d of %d messages have not come", left, n)
		}
		var batch jetstream.MessageBatch
		if batch, err = c.Fetch(left, jetstream.FetchMaxWait(time.Second)); err != nil {
			break
		}
		for m := range batch.Messages() {
			left--
			err = errors.Join(err, m.DoubleAck(tb.Context()))
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
}
