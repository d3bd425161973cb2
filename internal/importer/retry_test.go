package importer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// A stream that stores and does not say so is what a lost acknowledgement looks
// like from here.
func TestLostAckIsRetriedUnderTheSameID(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, func(c *jetstream.StreamConfig) { c.NoAck = true })
	p := newPublisher(t, nc, publisher.Config{AckTimeout: 100 * time.Millisecond})

	acks := make(chan publisher.Ack, 1)
	if err := p.PublishAsync(patient(t), message(1), func(ack publisher.Ack, err error) {
		if err != nil {
			t.Error(err)
		}
		acks <- ack
	}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the unacknowledged message", func() bool { return count(t, s) == 1 })
	stream(t, nc, nil)
	if got, want := <-acks, (publisher.Ack{Stream: "PUSH", Seq: 1, Duplicate: true}); got != want {
		t.Errorf("ack is %+v, want %+v", got, want)
	}
	if n := count(t, s); n != 1 {
		t.Errorf("%d messages stored, want 1", n)
	}
}

func TestPublishWaitsForTheStream(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	p := newPublisher(t, nc, publisher.Config{AckTimeout: 100 * time.Millisecond})
	asked, err := nc.SubscribeSync("push.receipts")
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() {
		_, err := p.Publish(patient(t), message(1))
		end <- err
	}()
	if _, err := asked.NextMsg(patience); err != nil { // the first try has come to nothing
		t.Fatal(err)
	}
	if err := asked.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	stream(t, nc, nil)
	if err := <-end; err != nil {
		t.Fatal(err)
	}
}

func TestPublishGivesUp(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	if _, err := nc.Subscribe("silent", func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Subscribe("junk", func(m *nats.Msg) { _ = m.Respond([]byte("hello")) }); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		patience time.Duration
		subject  string
		cfg      publisher.Config
		want     []error
		says     string
	}{
		{
			name: "after its tries", patience: patience, subject: "silent",
			cfg:  publisher.Config{MaxTries: 3, AckTimeout: 10 * time.Millisecond},
			want: []error{publisher.ErrUnavailable}, says: "(try 3,",
		},
		{
			name: "after its time", patience: patience, subject: "junk",
			cfg:  publisher.Config{RetryFor: 10 * time.Millisecond},
			want: []error{publisher.ErrUnavailable}, says: "not an acknowledgement",
		},
		{
			name: "with its context", patience: 100 * time.Millisecond, subject: "silent",
			want: []error{publisher.ErrUnavailable, context.DeadlineExceeded}, says: "dedup id",
		},
		{
			name: "with its context, no stream", patience: 300 * time.Millisecond, subject: "nowhere",
			want: []error{publisher.ErrNoStream, context.DeadlineExceeded, nats.ErrNoResponders}, says: "start pushworker",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t, nc, tt.cfg)
			_, err := p.Publish(deadlineIn(t, tt.patience), message(1), publisher.Subject(tt.subject))
			for _, want := range tt.want {
				if !errors.Is(err, want) {
					t.Errorf("error is %v, want %v", err, want)
				}
			}
			if tt.patience == patience && errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it took the context to end the tries: %v", err)
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v, want %q in it", err, tt.says)
			}
		})
	}
}

func TestTriesShareOneID(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	tries, err := nc.SubscribeSync("push.receipts") // hears them and is silent
	if err != nil {
		t.Fatal(err)
	}
	p := newPublisher(t, nc, publisher.Config{MaxTries: 3, AckTimeout: 10 * time.Millisecond})
	if _, err := p.Publish(patient(t), message(1)); !errors.Is(err, publisher.ErrUnavailable) {
		t.Fatalf("error is %v", err)
	}
	for i := range 3 {
		m, err := tries.NextMsg(patience)
		if err != nil {
			t.Fatalf("try %d: %v", i+1, err)
		}
		if got, want := m.Header.Get(jetstream.MsgIDHeader), publisher.DedupID(message(1)); got != want {
			t.Errorf("try %d has the id %q, want %q", i+1, got, want)
		}
	}
}

// TestRestartsLoseAndDoubleNothing is T7: publishers go on while the broker is
// killed and started on the same store; what was acknowledged is stored, and once.
func TestRestartsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	const receipts, publishers, kills = 2000, 16, 3
	b := startChildBroker(t)
	nc := dial(t, b.url())
	waitFor(t, "the broker", nc.IsConnected)
	s := stream(t, nc, nil)
	p := newPublisher(t, nc, publisher.Config{AckTimeout: time.Second})

	var acked [receipts]publisher.Ack
	var finished atomic.Int64
	next := make(chan int)
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for i := range next {
				ack, err := p.Publish(patient(t), message(i+1))
				if err != nil {
					t.Errorf("receipt %d: %v", i, err)
				}
				acked[i] = ack
				finished.Add(1)
			}
		})
	}
	go func() {
		for i := range receipts {
			next <- i
		}
		close(next)
	}()
	for kill := range kills {
		mark := int64((kill + 1) * receipts / (kills + 1))
		waitFor(t, "progress", func() bool { return finished.Load() >= mark })
		b.kill()
		b.start()
	}
	wg.Wait()

	ids := map[string]uint64{}
	for _, m := range stored(t, s) {
		id := m.Header.Get(jetstream.MsgIDHeader)
		if first, ok := ids[id]; ok {
			t.Errorf("%s is stored twice, at %d and %d", id, first, m.Sequence)
		}
		ids[id] = m.Sequence
	}
	if len(ids) != receipts {
		t.Errorf("%d receipts stored, want %d", len(ids), receipts)
	}
	for i, ack := range acked {
		if got := ids[publisher.DedupID(message(i+1))]; got != ack.Seq {
			t.Errorf("receipt %d is acknowledged at %d and stored at %d", i, ack.Seq, got)
		}
	}
}

// A context that ends about when the acknowledgement comes gives one outcome or
// the other, and leaves nothing behind.
func TestContextRacesAck(t *testing.T) {
	t.Parallel()
	const publishers, each = 4, 500
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	p := newPublisher(t, nc, publisher.Config{MaxInFlight: publishers})
	var acked atomic.Int64
	var wg sync.WaitGroup
	for w := range publishers {
		wg.Go(func() {
			for i := range each {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(time.Millisecond))
				ack, err := p.Publish(ctx, message(w*each+i+1))
				cancel()
				switch {
				case err == nil && ack.Seq > 0:
					acked.Add(1)
				case err == nil || !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("receipt %d of %d: %+v, %v", i, w, ack, err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("a publish hangs")
	}
	if err := p.Flush(patient(t)); err != nil {
		t.Fatal(err)
	}
	if n := int64(count(t, s)); n < acked.Load() {
		t.Errorf("%d receipts acknowledged and %d stored", acked.Load(), n)
	}
}

// waitFor waits until ok.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

func deadlineIn(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
