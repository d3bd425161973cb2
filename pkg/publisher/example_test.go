package publisher_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

func ExamplePublisher_Publish() {
	nc, err := nats.Connect("nats://127.0.0.1:4222", nats.MaxReconnects(-1))
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

	ack, err := pub.Publish(ctx, &push.Receipt{
		To: map[push.Uid]push.Recipient{push.ParseUserId("usr782riWdFIwE"): {Unread: 3}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpChess", From: "usrEDJUdpi63P4", SeqId: 42,
			Timestamp: time.Now(), Content: "Your move",
		},
	})
	if err != nil {
		log.Print(err) // the text says what to do
	}
	fmt.Println(ack.Stream, ack.Seq, ack.Duplicate)
}

func ExamplePublisher_PublishAsync() {
	nc, err := nats.Connect("nats://127.0.0.1:4222", nats.MaxReconnects(-1))
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
		news := &push.Receipt{Channel: "chnNews", Payload: push.Payload{What: push.ActMsg, Topic: "chnNews", SeqId: seq + 1}}
		err := pub.PublishAsync(ctx, news, func(ack publisher.Ack, err error) {
			fmt.Println("stored", ack.Seq, err)
		}, publisher.Expires(time.Now().Add(time.Hour)))
		if err != nil {
			log.Print(err) // no room before ctx ended, or cannot be published
		}
	}
	if err := pub.Close(ctx); err != nil { // waits for the three
		log.Print(err)
	}
}

func ExampleQueue() {
	nc, err := nats.Connect("nats://127.0.0.1:4222", nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	queue, err := publisher.NewQueue(nc, publisher.QueueConfig{
		File: "/var/lib/chat/push.queue",
		Lost: func(r *push.Receipt, err error) { log.Printf("push %d is lost: %v", r.Payload.SeqId, err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = queue.Close(ctx) // what remains is in the file
	}()
	err = queue.Put(context.Background(), &push.Receipt{Channel: "chnNews", Payload: push.Payload{What: push.ActMsg, SeqId: 1}})
	if errors.Is(err, publisher.ErrQueueFull) {
		log.Print("the broker has been away for long: ", err)
	}
}
