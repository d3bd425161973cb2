// Package publisher is what a Go chat server imports to have receipts delivered
// by pushworker: it publishes a receipt to JetStream, waits for the broker's
// acknowledgement, and tries again under the same dedup id until it has one.
//
//	nc, err := nats.Connect("nats://127.0.0.1:4222")
//	if err != nil { … }
//	pub, err := publisher.New(nc, publisher.Config{})
//	if err != nil { … }
//	defer pub.Close(ctx)
//
//	ack, err := pub.Publish(ctx, &push.Receipt{
//		To:      map[push.Uid]push.Recipient{uid: {}},
//		Payload: push.Payload{What: push.ActMsg, Topic: "grpChess", SeqId: 42, Content: "hi"},
//	})
//
// A nil error means that the receipt is stored and that pushworker will bring it
// to an outcome. After an error publish the same receipt again whenever you like:
// within the stream's dedup window (2 minutes by default) its [DedupID] sees to
// it that it is stored once.
//
// [Publisher.PublishAsync] does the same without waiting. A [Queue] keeps receipts while
// the broker is away, in a file if it has one, and publishes them in the order of each
// user. [NewHandler] is a [push.Handler] on top of it, for a chat server that already hands
// its receipts to registered handlers.
//
// The package refuses to know what becomes of a receipt after it is stored, and
// it never creates or inspects streams: a publisher needs no permission but to
// publish to its subject and to subscribe to its inbox. What is lost at its
// border: order, but for a Queue. Receipts are stored roughly in the order of the calls, but
// one that has to be tried again is overtaken by those behind it.
package publisher
