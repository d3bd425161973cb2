package push_test

import (
	"context"
	"sync"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// BenchmarkAdapter hands receipts over as a lane does and waits for each outcome.
// The row "channel" is the floor: the same with a bare goroutine in its place.
func BenchmarkAdapter(b *testing.B) {
	b.Run("channel", func(b *testing.B) {
		in := make(chan *push.Receipt, 1024)
		var worker sync.WaitGroup
		worker.Go(func() {
			for r := range in {
				r.Done(nil)
			}
		})
		handOver(b, in)
		close(in)
		worker.Wait()
	})
	handlers := map[string]func(context.Context, *push.Receipt) error{
		"noop":     func(context.Context, *push.Receipt) error { return nil },
		"uses ctx": func(ctx context.Context, _ *push.Receipt) error { return ctx.Err() },
		"child of it": func(ctx context.Context, _ *push.Receipt) error {
			_, cancel := context.WithCancel(ctx)
			cancel()
			return nil
		},
	}
	for name, handle := range handlers {
		b.Run(name, func(b *testing.B) {
			h := push.Adapt(func(string) (push.Work, error) { return push.Work{Handle: handle}, nil })
			if err := h.Init(""); err != nil {
				b.Fatal(err)
			}
			handOver(b, h.Push())
			h.Stop()
		})
	}
}

func handOver(b *testing.B, in chan<- *push.Receipt) {
	b.Helper()
	b.ReportAllocs()
	var open sync.WaitGroup
	r := &push.Receipt{}
	r.OnDone(func(error) { open.Done() })
	for b.Loop() {
		open.Add(1)
		in <- r
	}
	open.Wait()
}
