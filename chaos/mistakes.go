package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/sleep"
)

// recordsEvery is how old a recorded position of a lane is at most: it is written
// every second, and writing it takes its time.
const recordsEvery = 1500 * time.Millisecond

// mistakeScenarios are about what people do to the broker's objects by hand.
func mistakeScenarios() []scenario {
	return []scenario{
		{
			"lost-durable", "somebody deletes the durables of lanes, while workers run and while none does",
			[]string{"T31"},
			usual(2).with(func(s *shape) { s.timeout = 3 * time.Second }),
			func(p *planner) []step {
				all := []string{"PUSH fcm", "PUSH_RETRY fcm", "PUSH stdout", "PUSH_RETRY fcm-suspects"}
				p.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				dead := p.IntN(len(all))
				failing := step{at: calm, do: scriptFake, long: p.scale.load - 3*calm, name: "fails now and then", how: `{"rules":[{"probability":0.1,"answer":"internal"}]}`}
				return merge([]step{failing}, p.every(p.scale.load/5, func(i int) step {
					s := step{do: loseDurable, how: all[i%len(all)]}
					if i == dead {
						s.do, s.how = loseDurableUnseen, "PUSH fcm"
					}
					return s
				}))
			},
		},
		{
			"abandoned-durable", "a durable that nobody reads fills the stream, until it is retired",
			[]string{"T32"},
			usual(2).with(func(s *shape) { s.maxBytes = 384 << 10 }),
			func(p *planner) []step { return []step{p.once(step{do: abandonDurable}, p.scale.outage)} },
		},
		{
			"lost-bucket", "somebody deletes the devices, which are restored from an export",
			[]string{"T33"},
			usual(2),
			func(p *planner) []step { return []step{p.once(step{do: loseBucket}, p.scale.outage)} },
		},
	}
}

// mistake does what an operator should not.
func (f *faults) mistake(ctx context.Context, s step) error {
	switch s.do { //nolint:exhaustive // do has the others
	case loseDurable:
		return f.loseDurable(ctx, s.how)
	case loseDurableUnseen:
		return f.loseDurableUnseen(ctx, s.how)
	case abandonDurable:
		return f.abandon(ctx, s.long)
	case mistakeKey:
		return f.mistakeKey(ctx, s.long)
	case loseBucket:
		return f.loseBucket(ctx, s.long)
	}
	return fmt.Errorf("nobody knows how to do %q", s.do)
}

// operator is somebody with the rights to do anything.
func (w *world) operator(ctx context.Context, do func(context.Context, jetstream.JetStream) error) error {
	ctx, cancel := context.WithTimeout(ctx, healWithin)
	defer cancel()
	nc, err := nats.Connect(w.natsURL(w.brokerAddrs()))
	if err != nil {
		return fmt.Errorf("connect the operator: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		err = do(ctx, js)
	}
	return err
}

// loseDurable deletes a durable, named by its stream and its own name.
func (w *world) loseDurable(ctx context.Context, which string) error {
	stream, name, _ := strings.Cut(which, " ")
	return w.operator(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		return js.DeleteConsumer(ctx, stream, name)
	})
}

// loseDurableUnseen deletes a durable when all workers have been killed.
func (f *faults) loseDurableUnseen(ctx context.Context, which string) error {
	for _, s := range f.workers {
		s.fault.Lock()
		defer s.fault.Unlock()
		s.holder().Kill()
	}
	errs := []error{f.loseDurable(ctx, which)}
	for _, s := range f.workers {
		_, err := s.start(ctx)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// abandoned is the lane of a handler that was switched off.
const abandoned = "gone"

// abandon makes a durable that nobody reads, and retires it when the stream is full,
// which must be shown.
func (f *faults) abandon(ctx context.Context, long time.Duration) error {
	err := f.operator(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		_, err := js.CreateConsumer(ctx, "PUSH", jetstream.ConsumerConfig{Durable: abandoned, AckPolicy: jetstream.AckExplicitPolicy})
		return err
	})
	if err := errors.Join(err, sleep.For(ctx, long)); err != nil {
		return fmt.Errorf("abandon a durable: %w", err)
	}
	stats, err := status.NewReader(f.conn).Stats(ctx, f.streams())
	if err != nil {
		return fmt.Errorf("look at the lanes: %w", err)
	}
	last := stats.Lanes[len(stats.Lanes)-1]
	if last.Handler != abandoned || !last.Abandoned || stats.AbandonedDurables != 1 {
		return fmt.Errorf("the abandoned lane is not shown: %+v", stats.Lanes)
	}
	if n := stats.Streams[0].Bytes; float64(n) < 0.9*float64(stats.Streams[0].MaxBytes) {
		return fmt.Errorf("the stream holds %d bytes and is not full: it proves nothing", n)
	}
	return f.command(ctx, "lane", "retire", abandoned, "--yes")
}

// loseBucket deletes the devices, and after a while restores them and starts the
// workers again.
func (f *faults) loseBucket(ctx context.Context, long time.Duration) error {
	err := f.operator(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		return js.DeleteKeyValue(ctx, "push-devices")
	})
	if err := errors.Join(err, sleep.For(ctx, long)); err != nil {
		return fmt.Errorf("lose the devices: %w", err)
	}
	for _, s := range f.workers {
		if answers(ctx, s.url()) {
			return fmt.Errorf("%s says that it is ready without devices", s.name)
		}
	}
	if err := f.command(ctx, "device", "import", f.devicesFile(), "--create"); err != nil {
		return err
	}
	return f.restartWorkers(ctx)
}

// restartWorkers starts all workers again, one after the other.
func (f *faults) restartWorkers(ctx context.Context) error {
	for _, s := range f.workers {
		if err := f.disturb(ctx, s, step{do: restartWorker}); err != nil {
			return err
		}
		if err := s.await(ctx); err != nil {
			return err
		}
	}
	return nil
}
