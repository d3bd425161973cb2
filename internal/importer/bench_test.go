package importer_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// BenchmarkPublishAsync is the way of a receipt to its acknowledgement: "publisher"
// is ours, encoding and dedup id included; "client" is the NATS client's own
// asynchronous publish of the same bytes under the same id, with as many in flight.
func BenchmarkPublishAsync(b *testing.B) {
	b.Run("publisher", func(b *testing.B) {
		p, err := publisher.New(benchConn(b), publisher.Config{MaxInFlight: 1024})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := p.PublishAsync(b.Context(), message(i+1), func(_ publisher.Ack, err error) {
				if err != nil {
					b.Error(err)
				}
			}); err != nil {
				b.Fatal(err)
			}
		}
		if err := p.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("client", func(b *testing.B) {
		js, err := jetstream.New(benchConn(b), jetstream.WithPublishAsyncMaxPending(1024))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r := message(i + 1)
			data, err := r.AppendJSON(nil, push.KeyText)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := js.PublishAsync(publisher.DefaultSubject, data,
				jetstream.WithMsgID(publisher.DedupID(r)), jetstream.WithStallWait(patience)); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
	})
}

// benchConn is a connection to a broker with the stream PUSH.
func benchConn(b *testing.B) *nats.Conn {
	b.Helper()
	nc, err := nats.Connect(brokertest.Start(b).URL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{
		Name: "PUSH", Subjects: []string{"push.receipts"}, Discard: jetstream.DiscardNew,
	}); err != nil {
		b.Fatal(err)
	}
	return nc
}

func BenchmarkDedupID(b *testing.B) {
	for name, recipients := range map[string]int{"1": 1, "500": 500} {
		b.Run(name, func(b *testing.B) {
			r := message(1)
			for i := range recipients {
				r.To[push.Uid(0xfedcba98*uint64(i+1))] = push.Recipient{}
			}
			b.ReportAllocs()
			for b.Loop() {
				_ = publisher.DedupID(r)
			}
		})
	}
}

// BenchmarkHandler is the way of a receipt through the handler, from its channel to its
// outcome: each for another user, or all for one user, whose receipts wait for each other; in
// memory, or in a file as well.
func BenchmarkHandler(b *testing.B) {
	for name, tt := range map[string]struct {
		users int
		file  bool
	}{"memory": {1 << 40, false}, "file": {1 << 40, true}, "one user": {1, false}} {
		b.Run(name, func(b *testing.B) {
			nc := benchConn(b)
			file := ""
			if tt.file {
				file = filepath.Join(b.TempDir(), "queue")
			}
			h := publisher.NewHandler(func(_ *push.Receipt, err error) { b.Error(err) })
			if err := h.Init(fmt.Sprintf(`{"url":%q,"file":%q}`, nc.ConnectedUrl(), file)); err != nil {
				b.Fatal(err)
			}
			slots := make(chan struct{}, 1024) // as many wait or are in flight
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := message(i + 1)
				r.To = map[push.Uid]push.Recipient{push.Uid(i%tt.users + 1): {Unread: 1}}
				slots <- struct{}{}
				r.OnDone(func(error) { <-slots })
				h.Push() <- r
			}
			for range cap(slots) {
				slots <- struct{}{}
			}
			b.StopTimer()
			h.Stop()
		})
	}
}
