package push_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// A program registers the handlers that it knows, and its configuration says which
// of them run. A chat server uses the package-level functions in the same way.
func Example() {
	printed := make(chan struct{})
	console := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(_ context.Context, r *push.Receipt) error {
			defer close(printed)
			fmt.Printf("%s #%d in %s\n", r.Payload.What, r.Payload.SeqId, r.Payload.Topic)
			return nil
		}}, nil
	})

	var registry push.Registry
	registry.Register("console", console)
	if err := registry.Init(`[{"name":"console","config":{"buffer":32}}]`); err != nil {
		fmt.Println(err)
		return
	}
	registry.Push(&push.Receipt{
		To:      map[push.Uid]push.Recipient{push.ParseUserId("usrEDJUdpi63P4"): {Unread: 3}},
		Payload: push.Payload{What: push.ActMsg, Topic: "grpnG99YhENiQU", From: "usr782riWdFIwE", SeqId: 42, Content: "Hello"},
	})
	<-printed
	registry.Stop()
	// Output: msg #42 in grpnG99YhENiQU
}

// Init reports everything that is wrong at once, and leaves nothing running.
func ExampleRegistry_Init() {
	var registry push.Registry
	registry.Register("stdout", pushtest.AlwaysDelivers())
	fmt.Println(registry.Init(`[{"name":"stduot"},{"name":"stdout","config":{"buffer":"big","timeout":-1}}]`))
	// Output:
	// push config: unknown handler "stduot": known are stdout
	// handler "stdout": key "buffer" is a JSON string: want a whole number
	// handler "stdout": key "timeout" is negative: leave it out for the default
}

// A handler is a function and its own keys of the config; the adapter does the
// rest.
func ExampleAdapt() {
	type config struct {
		Greeting string        `json:"greeting"`
		TTL      time.Duration `json:"time_to_live"`
	}
	greeter := push.Adapt(func(jsonconf string) (push.Work, error) {
		c := config{Greeting: "Hello", TTL: time.Hour}
		if err := push.DecodeConfig(jsonconf, &c); err != nil {
			return push.Work{}, err
		}
		return push.Work{
			Handle: func(_ context.Context, r *push.Receipt) error {
				fmt.Println(c.Greeting, r.Payload.From)
				return nil
			},
			TTL: func(*push.Receipt) time.Duration { return c.TTL },
		}, nil
	})

	if err := greeter.Init(`{"greeting":"Good day","concurrency":4,"timeout":"10s"}`); err != nil {
		fmt.Println(err)
		return
	}
	settled := make(chan error)
	r := &push.Receipt{Payload: push.Payload{From: "usr782riWdFIwE"}}
	r.OnDone(func(err error) { settled <- err })
	greeter.Push() <- r
	fmt.Println("error:", <-settled)
	greeter.Stop()

	fmt.Println(greeter.Init(`{"greting":"Good day"}`))
	// Output:
	// Good day usr782riWdFIwE
	// error: <nil>
	// key "greting" is unknown: known are greeting, time_to_live, enabled, buffer, concurrency, timeout, apps, retry
}

// The type of the error that a handler returns is the instruction. Here a queue
// reads it.
func ExampleReceipt_Done() {
	queue := func(err error) {
		var after *push.RetryAfterError
		var permanent *push.PermanentError
		switch {
		case err == nil:
			fmt.Println("delivered")
		case errors.Is(err, push.ErrNotStarted):
			fmt.Println("comes back, not counted:", err)
		case errors.As(err, &after):
			fmt.Printf("comes back in %s: %v\n", after.After, err)
		case errors.As(err, &permanent):
			fmt.Println("dead letter:", err)
		default:
			fmt.Println("comes back:", err)
		}
	}
	errProvider := errors.New("provider says no")
	for _, outcome := range []error{
		nil,
		errProvider,
		push.Permanent(errProvider),
		push.RetryAfter(errProvider, time.Minute),
		push.ErrNotStarted,
		&push.Undelivered{To: map[push.Uid]push.Recipient{1001: {}}, Err: errProvider},
	} {
		r := &push.Receipt{}
		r.OnDone(queue)
		r.Done(outcome)
	}
	// Output:
	// delivered
	// comes back: provider says no
	// dead letter: provider says no
	// comes back in 1m0s: provider says no
	// comes back, not counted: receipt was not started
	// comes back: 1 recipient remains: provider says no
}
