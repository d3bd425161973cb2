package publisher_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

func Example() {
	url, stop := demoBroker() // in real life pushworker's, nats://127.0.0.1:4222
	defer stop()

	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	pub, err := publisher.New(nc, publisher.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	defer func() { _ = pub.Close(ctx) }()

	receipt := &push.Receipt{
		To: map[push.Uid]push.Recipient{push.ParseUserId("usr782riWdFIwE"): {Unread: 3}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpChess", From: "usrEDJUdpi63P4", SeqId: 42,
			Timestamp: time.Now(), Content: "Your move",
		},
	}
	for range 2 {
		ack, err := pub.Publish(ctx, receipt)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ack.Stream, ack.Seq, ack.Duplicate)
	}
	// Output:
	// PUSH 1 false
	// PUSH 1 true
}

func ExamplePublisher_PublishAsync() {
	url, stop := demoBroker()
	defer stop()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	pub, err := publisher.New(nc, publisher.Config{MaxInFlight: 256})
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	for seq := range 3 {
		call := &push.Receipt{Channel: "chnNews", Payload: push.Payload{What: push.ActMsg, Topic: "chnNews", SeqId: seq + 1}}
		err := pub.PublishAsync(ctx, call, func(ack publisher.Ack, err error) {
			if err != nil {
				log.Print(err) // the text says what to do
				return
			}
			fmt.Println("stored", ack.Seq)
		}, publisher.Expires(time.Now().Add(time.Hour)))
		if err != nil {
			log.Print(err) // no room before ctx ended, or cannot be published
		}
	}
	if err := pub.Close(ctx); err != nil { // waits for the three
		log.Print(err)
	}
	// Output:
	// stored 1
	// stored 2
	// stored 3
}

// demoBroker starts a broker with the stream that pushworker makes.
func demoBroker() (url string, stop func()) {
	dir, err := os.MkdirTemp("", "publisher")
	if err != nil {
		log.Fatal(err)
	}
	s, err := embedded.Start(context.Background(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		log.Fatal(err)
	}
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := js.CreateStream(context.Background(), jetstream.StreamConfig{
		Name: "PUSH", Subjects: []string{"push.receipts", "push.receipts.>"},
	}); err != nil {
		log.Fatal(err)
	}
	return s.ClientURL(), func() {
		s.Shutdown()
		_ = os.RemoveAll(dir)
	}
}
