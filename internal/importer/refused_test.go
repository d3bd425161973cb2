package importer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// What NATS never sends is refused at the call, and no connection is lost by it: all names
// of headers that the client refuses and no others, and a subject that is too long for
// the broker.
func TestWhatNATSNeverSendsIsRefused(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	stream(t, nc, nil)
	p := newPublisher(t, nc, publisher.Config{RetryFor: time.Hour})
	for b := range 256 {
		name := "a" + string([]byte{byte(b)})
		err := nc.PublishMsg(&nats.Msg{Subject: "elsewhere", Header: nats.Header{name: {"1"}}})
		refused := errors.Is(err, nats.ErrBadHeaderMsg)
		if _, err := p.Publish(patient(t), message(1), publisher.Header(name, "1")); errors.Is(err, publisher.ErrRefused) != refused || err == nil == refused {
			t.Errorf("with the header %q: %v", name, err)
		}
	}
	for name, options := range map[string][]publisher.Option{
		"header":       {publisher.Header("a/b", "1")},
		"empty header": {publisher.Header("", "1")},
		"subject":      {publisher.Subject("push.receipts." + strings.Repeat("x", 5000))},
	} {
		_, direct := p.Publish(patient(t), message(1), options...)
		_, raw := p.PublishRaw(patient(t), []byte("{}"), options...)
		async := p.PublishAsync(patient(t), message(1), nil, options...)
		queued := newQueue(t, nc, publisher.QueueConfig{}).Put(t.Context(), message(1), options...)
		for call, err := range map[string]error{"Publish": direct, "PublishRaw": raw, "PublishAsync": async, "Put": queued} {
			if !errors.Is(err, publisher.ErrRefused) {
				t.Errorf("%s with such a %s: %v", call, name, err)
			}
		}
	}
	traced := newPublisher(t, nc, publisher.Config{RetryFor: time.Hour, Trace: func(context.Context) map[string]string {
		return map[string]string{"trace parent": "1"}
	}})
	if _, err := traced.Publish(patient(t), message(1)); !errors.Is(err, publisher.ErrRefused) || !strings.Contains(err.Error(), `"trace parent"`) {
		t.Errorf("with such a trace: %v", err)
	}
	if n := nc.Stats().Reconnects; n != 0 {
		t.Errorf("the broker ended the connection %d times", n)
	}
}

// What a file has of an earlier version, which took it, is told of as lost, and what follows
// it is published.
func TestQueueLosesWhatNATSNeverSends(t *testing.T) {
	t.Parallel()
	lost := make(chan error, 10)
	cfg := publisher.QueueConfig{
		File: filepath.Join(t.TempDir(), "queue"), Lost: func(_ *push.Receipt, err error) { lost <- err },
	}
	first := newQueue(t, dial(t, nobody), cfg)
	if err := first.Put(t.Context(), message(1), publisher.Header("a-b", "1")); err != nil {
		t.Fatal(err)
	}
	_ = first.Close(ended(t)) // says that it remains
	data, err := os.ReadFile(cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	const head = 12 // mark, length, checksum
	copy(data[head:], bytes.Replace(data[head:], []byte("a-b"), []byte("a/b"), 1))
	binary.BigEndian.PutUint32(data[head-4:], crc32.Checksum(data[head:], crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(cfg.File, data, 0o600); err != nil {
		t.Fatal(err)
	}

	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	second := newQueue(t, nc, cfg)
	put(t, second, message(2))
	if err := second.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-lost:
		if !errors.Is(err, publisher.ErrRefused) {
			t.Error(err)
		}
	default:
		t.Error("nobody is told of the loss")
	}
	if c := second.Counts(); c.Recovered != 1 || c.Damaged != 0 || c.Lost != 1 || c.Stored != 1 || count(t, s) != 1 {
		t.Errorf("counts are %+v", c)
	}
}
