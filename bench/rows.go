package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

const ackWait = time.Minute

// bareLoop is the yardstick: Consume(500), encoding/json, async ack.
func bareLoop(ctx context.Context, url, name string, m *meter) error {
	nc, err := nats.Connect(url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	c, err := js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 65_536,
	})
	if err != nil {
		return fmt.Errorf("create durable: %w", err)
	}
	m.start()
	var failure error
	cc, err := c.Consume(func(msg jetstream.Msg) {
		var r plainReceipt
		if err := json.Unmarshal(msg.Data(), &r); err != nil {
			failure = err
		}
		if err := msg.Ack(); err != nil {
			failure = err
		}
		m.count(r.Payload.Timestamp)
	}, jetstream.PullMaxMessages(500))
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	defer cc.Stop()
	<-m.done
	return errors.Join(failure, nc.Flush())
}

// plainReceipt has the members of push.Receipt and none of its methods, so that
// encoding/json reads it by itself.
type plainReceipt struct {
	To      map[plainUid]push.Recipient `json:"to"`
	Channel string                      `json:"channel"`
	Payload plainPayload                `json:"payload"`
}

type plainPayload struct {
	What        string          `json:"what"`
	Silent      bool            `json:"silent"`
	Topic       string          `json:"topic"`
	Timestamp   time.Time       `json:"ts"`
	From        string          `json:"from"`
	SeqId       int             `json:"seq"`
	ContentType string          `json:"mime"`
	Content     json.RawMessage `json:"content,omitempty"`
	ModeWant    string          `json:"want,omitempty"`
	ModeGiven   string          `json:"given,omitempty"`
	Webrtc      string          `json:"webrtc,omitempty"`
	AudioOnly   bool            `json:"aonly,omitempty"`
	Replace     string          `json:"replace,omitempty"`
}

type plainUid uint64

// UnmarshalText reads the eleven characters of a user id.
func (u *plainUid) UnmarshalText(text []byte) error {
	var raw [9]byte
	n, err := base64.RawURLEncoding.Decode(raw[:], text)
	if err != nil || n != 8 {
		return errors.New("not a user id")
	}
	*u = plainUid(binary.LittleEndian.Uint64(raw[:]))
	return nil
}

// lane runs the whole main path with a handler that does nothing.
func lane(ctx context.Context, url, name string, m *meter) error {
	return lanes(ctx, url, map[string]push.Handler{name: counting(m)}, m)
}

// laneBesideStuck runs the same lane beside one whose handler never reads.
func laneBesideStuck(ctx context.Context, url, name string, m *meter) error {
	return lanes(ctx, url, map[string]push.Handler{name: counting(m), name + "-stuck": stuck{make(chan *push.Receipt, 32)}}, m)
}

func lanes(ctx context.Context, url string, handlers map[string]push.Handler, m *meter) error {
	conn, err := broker.Connect(ctx, broker.Options{URL: url, Name: "bench", Log: zerolog.Nop()})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	t := topology()
	metrics := consumer.NewMetrics(prometheus.NewRegistry())
	var all []*consumer.Lane
	for name, h := range handlers {
		t.Handlers = append(t.Handlers, name)
		if err := h.Init(`{}`); err != nil {
			return fmt.Errorf("init handler: %w", err)
		}
	}
	if _, err := conn.Provision(ctx, t); err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	for name, h := range handlers {
		src, err := conn.Lane(ctx, t, name)
		if err != nil {
			return fmt.Errorf("open lane: %w", err)
		}
		all = append(all, consumer.New(consumer.Config{
			Name: name, Handler: h, Fresh: src.Fresh, Retries: src.Retries, Suspects: src.Suspects,
			Scheduler: conn.Scheduler(t), Graveyard: conn.Letters(t),
			Policy:  retry.Policy{Base: time.Second, Cap: 10 * time.Minute, MaxAge: 6 * time.Hour, MaxAttempts: 50},
			Limits:  push.DefaultLimits(),
			AckWait: ackWait, Grace: time.Second, Metrics: metrics, Log: zerolog.Nop(),
		}))
	}
	return measured(ctx, all, m)
}

// measured runs the lanes until m has counted everything.
func measured(ctx context.Context, all []*consumer.Lane, m *meter) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(all))
	m.start()
	for _, l := range all {
		go func() { ended <- l.Run(ctx) }()
	}
	<-m.done
	stop()
	var failures []error
	for range all {
		failures = append(failures, <-ended)
	}
	return errors.Join(failures...)
}

// counting is a handler that only counts.
func counting(m *meter) push.Handler {
	return push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(_ context.Context, r *push.Receipt) error {
			m.count(r.Payload.Timestamp)
			return nil
		}}, nil
	})
}

// stuck is a handler of the seed's kind whose channel is full for ever.
type stuck struct{ ch chan *push.Receipt }

func (stuck) Init(string) error            { return nil }
func (stuck) IsReady() bool                { return true }
func (s stuck) Push() chan<- *push.Receipt { return s.ch }
func (stuck) Stop()                        {}
