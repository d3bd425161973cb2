package importer_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// Receipts of a conversation go to one of the streams, however they are published, and
// plain JSON that is none to the first.
func TestPublishToSeveralStreams(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	stream(t, nc, func(c *jetstream.StreamConfig) {
		c.Subjects = []string{"push.receipts", "push.receipts.0", "push.receipts.0.>"}
	})
	stream(t, nc, func(c *jetstream.StreamConfig) {
		c.Name, c.Subjects = "PUSH_1", []string{"push.receipts.1", "push.receipts.1.>"}
	})
	p := newPublisher(t, nc, publisher.Config{Shards: 2})
	for topic, want := range map[string]string{"grpnG99YhENiQU": "PUSH", "chnNews": "PUSH_1"} {
		r := message(1)
		r.Payload.Topic = topic
		ack, err := p.Publish(patient(t), r)
		if err != nil || ack.Stream != want {
			t.Errorf("%s is in %q, %v, want %s", topic, ack.Stream, err, want)
		}
		data, err := r.AppendJSON(nil, push.KeyText)
		if err != nil {
			t.Fatal(err)
		}
		if ack, err = p.PublishRaw(patient(t), data); err != nil || ack.Stream != want {
			t.Errorf("raw: %s is in %q, %v, want %s", topic, ack.Stream, err, want)
		}
	}
	if ack, err := p.PublishRaw(patient(t), []byte("nonsense")); err != nil || ack.Stream != "PUSH" {
		t.Errorf("nonsense is in %q, %v, want PUSH", ack.Stream, err)
	}
	if ack, err := p.Publish(patient(t), message(2), publisher.Subject("push.receipts.1.eu")); err != nil || ack.Stream != "PUSH_1" {
		t.Errorf("a subject of its own: %q, %v, want PUSH_1", ack.Stream, err)
	}
	for _, n := range []int{-1, 257} {
		if _, err := publisher.New(nc, publisher.Config{Shards: n}); err == nil {
			t.Errorf("%d shards are no error", n)
		}
	}
}

// The broker itself can choose the stream, and chooses the same.
func TestBrokerChoosesTheSameStream(t *testing.T) {
	t.Parallel()
	conf := filepath.Join(t.TempDir(), "broker.conf")
	text := `mappings = { "push.by-topic.*": "push.receipts.{{partition(4,1)}}" }`
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	nc := dial(t, brokertest.StartWithConfig(t, conf)("", ""))
	sub, err := nc.SubscribeSync("push.receipts.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"a", "grpnG99YhENiQU", "p2pAQAAAAAAAAACAAAAAAAAAA", "usr782riWdFIwE", "chnNews", "grpé"} {
		if err := nc.PublishMsg(&nats.Msg{Subject: "push.by-topic." + topic}); err != nil {
			t.Fatal(err)
		}
		m, err := sub.NextMsg(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if want := "push.receipts." + strconv.Itoa(publisher.Shard(topic, 4)); m.Subject != want {
			t.Errorf("the broker sends %s to %s, we to %s", topic, m.Subject, want)
		}
	}
}
