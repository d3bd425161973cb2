package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/pkg/push"
)

// loopOptions are those of a loop child.
type loopOptions struct {
	URL         string `json:"url"`
	Stream      string `json:"stream"`
	Durable     string `json:"durable"`
	Role        string `json:"role"`
	Endpoint    string `json:"endpoint,omitempty"`
	CA          string `json:"ca,omitempty"`
	Credentials string `json:"credentials,omitempty"`
}

// serveNullLoop is the yardstick of the lane without a provider: Consume(500),
// encoding/json, async ack.
func serveNullLoop(ctx context.Context, options []byte) error {
	m := &meter{}
	stop, err := consume(ctx, options, 500, func(msg jetstream.Msg) {
		r := decode(msg)
		must(msg.Ack())
		m.count(r.Payload.Timestamp, time.Now())
	})
	if err != nil {
		return err
	}
	defer stop()
	return serve(reply{}, m.answer)
}

// consume makes the durable and consumes from it.
func consume(ctx context.Context, options []byte, most int, take func(jetstream.Msg)) (stop func(), err error) {
	var o loopOptions
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("read the options: %w", err)
	}
	nc, err := nats.Connect(o.URL)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	c, err := js.CreateConsumer(ctx, o.Stream, durableConfig(o.Durable))
	if err != nil {
		return nil, fmt.Errorf("create durable %s: %w", o.Durable, err)
	}
	cc, err := c.Consume(take, jetstream.PullMaxMessages(most))
	if err != nil {
		return nil, fmt.Errorf("consume: %w", err)
	}
	return func() {
		cc.Stop()
		nc.Close()
	}, nil
}

// must ends the child: a loop that fails measures nothing.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: loop:", err)
		os.Exit(1)
	}
}

func decode(msg jetstream.Msg) plainReceipt {
	var r plainReceipt
	must(json.Unmarshal(msg.Data(), &r))
	return r
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
