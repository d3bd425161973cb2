package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/worker"
)

// serveBroker is a broker in a process of its own: the embedded server, whose store
// is in the directory that its options name.
func serveBroker(ctx context.Context, options []byte) error {
	var dir string
	if err := json.Unmarshal(options, &dir); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	server, err := embedded.Start(ctx, embedded.Options{Addr: "127.0.0.1:0", DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	defer server.Shutdown()
	return serve(reply{URL: server.ClientURL()}, func(question) (reply, error) {
		return reply{}, errors.New("a broker has nothing to say")
	})
}

// queue is the stream of receipts as the bench sees it.
type queue struct {
	conn *broker.Conn // for what goes through our own code
	nc   *nats.Conn
	js   jetstream.JetStream
	name string
	to   string // the subject
}

// openQueue connects and makes the streams as the worker would.
func openQueue(ctx context.Context, url string) (*queue, error) {
	c, err := config.Load([]string{"PUSHWORKER_NATS_URL=" + url}, nil)
	if err != nil {
		return nil, fmt.Errorf("take the default configuration: %w", err)
	}
	q := &queue{name: c.Stream, to: c.Subject}
	if q.nc, err = nats.Connect(url); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if q.js, err = jetstream.New(q.nc, jetstream.WithPublishAsyncMaxPending(1000)); err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	if q.conn, err = broker.Connect(ctx, broker.Options{URL: url, Name: "bench", Log: zerolog.Nop()}); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if _, err := topology.Provision(ctx, q.conn, worker.Topology(c, nil)); err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	if _, err := devices.Provision(ctx, q.conn, 1); err != nil {
		return nil, fmt.Errorf("provision the device directory: %w", err)
	}
	return q, nil
}

func (q *queue) close() {
	if q != nil {
		q.conn.Close()
		q.nc.Close()
	}
}

// fill publishes n receipts as fast as the broker confirms them.
func (q *queue) fill(ctx context.Context, c traffic, n int) error {
	for i := range n {
		if err := q.send(c, i); err != nil {
			return err
		}
	}
	return q.confirmed(ctx)
}

// pace publishes n receipts at rate per second, several at a time beyond 1,000/s.
func (q *queue) pace(ctx context.Context, c traffic, n, rate int) error {
	batch := max(1, rate/1000)
	tick := time.NewTicker(time.Second * time.Duration(batch) / time.Duration(rate))
	defer tick.Stop()
	for i := range n {
		if i%batch == 0 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := q.send(c, i); err != nil {
			return err
		}
	}
	return q.confirmed(ctx)
}

func (q *queue) confirmed(ctx context.Context) error {
	select {
	case <-q.js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send publishes receipt i.
func (q *queue) send(c traffic, i int) error {
	data, err := c.receipt(i)
	if err != nil {
		return err
	}
	for {
		m := nats.NewMsg(q.to)
		if m.Data = data; c.traced {
			m.Header.Set("traceparent", c.trace(i))
		}
		_, err = q.js.PublishMsgAsync(m, jetstream.WithStallWait(10*time.Second))
		if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			return err
		}
	}
}

// purge empties the stream.
func (q *queue) purge(ctx context.Context) error {
	st, err := q.js.Stream(ctx, q.name)
	if err != nil {
		return fmt.Errorf("find the stream: %w", err)
	}
	return st.Purge(ctx)
}

// durableConfig is that of the worker's own durables.
func durableConfig(name string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxDeliver: -1, MaxAckPending: 65_536,
	}
}

// pause has the broker deliver nothing to the durable, so that the process behind
// it idles.
func (q *queue) pause(ctx context.Context, durable string) error {
	return q.pauseUntil(ctx, durable, q.name, time.Now().Add(24*time.Hour))
}

// resume says when it will be that the durable's messages flow. The broker looks
// for them only at the end of a pause, not when a pause is taken back: hence this
// is one of wakeTime from now.
func (q *queue) resume(ctx context.Context, durable string) (time.Time, error) {
	at := time.Now().Add(wakeTime)
	return at, q.pauseUntil(ctx, durable, q.name, at)
}

const wakeTime = 100 * time.Millisecond

func (q *queue) pauseUntil(ctx context.Context, durable, stream string, until time.Time) error {
	if _, err := q.js.PauseConsumer(ctx, stream, durable, until); err != nil {
		return fmt.Errorf("pause or resume durable %s of %s: %w", durable, stream, err)
	}
	return nil
}

// until asks for the durable's state until ok is content with it.
func (q *queue) until(ctx context.Context, durable string, ok func(*jetstream.ConsumerInfo) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		c, err := q.js.Consumer(ctx, q.name, durable)
		if err == nil && ok(c.CachedInfo()) {
			return nil
		}
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("look at durable %s: %w", durable, err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for durable %s: %w", durable, ctx.Err())
		}
	}
}

// pulled waits until a process pulls from the durable.
func (q *queue) pulled(ctx context.Context, durable string) error {
	return q.until(ctx, durable, func(i *jetstream.ConsumerInfo) bool { return i.NumWaiting > 0 })
}

// drained waits until everything is settled.
func (q *queue) drained(ctx context.Context, durable string) error {
	return q.until(ctx, durable, func(i *jetstream.ConsumerInfo) bool { return i.NumPending == 0 && i.NumAckPending == 0 })
}
