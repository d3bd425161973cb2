package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	stream  = "PUSH"
	subject = "push.receipts"
)

func topology() broker.Topology {
	return broker.Topology{
		Stream: stream, Subject: subject, Replicas: 1, History: 72 * time.Hour, DeadMaxAge: 14 * 24 * time.Hour,
		AckWait: ackWait, MaxBytes: 8 << 30, RetryMaxBytes: 2 << 30, DeadMaxBytes: 1 << 30,
	}
}

// serve is the broker's process: it prints its URL and runs until stdin closes.
func serve(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: bench child broker DIR")
	}
	server, err := embedded.Start(ctx, embedded.Options{Addr: "127.0.0.1:0", DataDir: args[0], Log: zerolog.Nop()})
	if err != nil {
		return fmt.Errorf("start broker: %w", err)
	}
	defer server.Shutdown()
	fmt.Println(server.ClientURL())
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	return nil
}

// publisher fills the stream.
type publisher struct {
	nc *nats.Conn
	js jetstream.JetStream
}

func newPublisher(ctx context.Context, url string) (*publisher, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	conn, err := broker.Connect(ctx, broker.Options{URL: url, Name: "bench", Log: zerolog.Nop()})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Provision(ctx, topology()); err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	return &publisher{nc: nc, js: js}, nil
}

// fill publishes n receipts as fast as the broker confirms them.
func (p *publisher) fill(ctx context.Context, n int) error {
	for i := range n {
		if err := p.send(i); err != nil {
			return err
		}
	}
	select {
	case <-p.js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pace publishes n receipts at rate per second.
func (p *publisher) pace(ctx context.Context, n, rate int) error {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := p.send(i); err != nil {
			return err
		}
	}
	return nil
}

// dismiss deletes the durables of the row that has ended, so that the next row's
// are the stream's first and begin with its first receipt.
func (p *publisher) dismiss(ctx context.Context) error {
	for _, name := range []string{stream, stream + "_RETRY"} {
		st, err := p.js.Stream(ctx, name)
		if err != nil {
			return fmt.Errorf("find stream: %w", err)
		}
		durables := st.ConsumerNames(ctx)
		for durable := range durables.Name() {
			if err := st.DeleteConsumer(ctx, durable); err != nil {
				return fmt.Errorf("delete durable: %w", err)
			}
		}
		if err := durables.Err(); err != nil {
			return fmt.Errorf("list durables: %w", err)
		}
	}
	return nil
}

// purge empties the stream.
func (p *publisher) purge(ctx context.Context) error {
	st, err := p.js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("find stream: %w", err)
	}
	return st.Purge(ctx)
}

// send publishes one receipt of about 500 bytes with one recipient.
func (p *publisher) send(i int) error {
	r := push.Receipt{
		To: map[push.Uid]push.Recipient{push.Uid(i + 1): {Unread: 3}}, //nolint:gosec // i is an index
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpnG99YhENiQU", Timestamp: time.Now(), From: "usr782riWdFIwE", SeqId: i,
			ContentType: "text/plain", Content: filler,
		},
	}
	data, err := r.AppendJSON(nil, push.KeyText)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	for {
		_, err = p.js.PublishAsync(subject, data, jetstream.WithStallWait(10*time.Second))
		if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			return err
		}
	}
}

// filler brings a receipt to about 500 bytes.
const filler = "The quick brown fox jumps over the lazy dog while the five boxing wizards jump quickly and the jay, " +
	"pig, fox, zebra and my wolves quack; sphinx of black quartz, judge my vow, and pack my box with five dozen " +
	"liquor jugs before the bright vixens jump, for dozy fowl quack and how quickly daft jumping zebras vex us all."
