package importer_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// silentStream stores and never acknowledges, so that everything stays in flight.
func silentStream(c *jetstream.StreamConfig) { c.NoAck = true }

func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestAsyncIsBounded(t *testing.T) {
	t.Parallel()
	const bound = 4
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, silentStream)
	p := newPublisher(t, nc, publisher.Config{MaxInFlight: bound, AckTimeout: 100 * time.Millisecond})

	var called atomic.Int64
	done := func(_ publisher.Ack, err error) {
		called.Add(1)
		if err != nil {
			t.Error(err)
		}
	}
	for i := range bound {
		if err := p.PublishAsync(patient(t), message(i+1), done); err != nil {
			t.Fatalf("publish %d, with room: %v", i, err)
		}
	}
	err := p.PublishAsync(deadlineIn(t, 50*time.Millisecond), message(bound+1), done)
	if !errors.Is(err, publisher.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("publish without room: %v", err)
	}
	if err := p.PublishAsync(ended(t), message(bound+1), done); !errors.Is(err, context.Canceled) {
		t.Fatalf("publish with an ended context: %v", err)
	}
	accepted := make(chan error)
	go func() { accepted <- p.PublishAsync(patient(t), message(bound+2), done) }()
	waitFor(t, "the first receipts", func() bool { return count(t, s) == bound })
	stream(t, nc, nil) // which acknowledges, and so makes room
	if err := <-accepted; err != nil {
		t.Fatalf("publish when room is made: %v", err)
	}
	if err := p.Flush(patient(t)); err != nil {
		t.Fatal(err)
	}
	if n := called.Load(); n != bound+1 {
		t.Errorf("%d callbacks by the end of Flush, want %d", n, bound+1)
	}
	if n := count(t, s); n != bound+1 {
		t.Errorf("%d receipts stored, want %d", n, bound+1)
	}
}

func TestCallbackExactlyOnce(t *testing.T) {
	t.Parallel()
	const receipts, publishers = 4000, 4
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	s := stream(t, nc, nil)
	p, err := publisher.New(nc, publisher.Config{MaxInFlight: 256, AckTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var calls [receipts]atomic.Int64
	var acks [receipts]atomic.Uint64
	var accepted atomic.Int64
	publish := func(i int) {
		err := p.PublishAsync(patient(t), message(i+1), func(ack publisher.Ack, err error) {
			calls[i].Add(1)
			acks[i].Store(ack.Seq)
			if err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Errorf("receipt %d: %v", i, err)
		}
		accepted.Add(1)
	}
	var wg sync.WaitGroup
	for w := range publishers {
		wg.Go(func() {
			for i := w; i < receipts; i += publishers {
				publish(i)
			}
		})
	}
	waitFor(t, "half of the receipts", func() bool { return accepted.Load() > receipts/2 })
	b.Restart(t)
	wg.Wait()
	if err := p.Close(patient(t)); err != nil {
		t.Fatal(err)
	}

	seqs := map[uint64]bool{}
	for i := range calls {
		if n := calls[i].Load(); n != 1 {
			t.Errorf("receipt %d: %d callbacks", i, n)
		}
		seqs[acks[i].Load()] = true
	}
	if n := count(t, s); n != receipts || len(seqs) != receipts || seqs[0] {
		t.Errorf("%d receipts stored under %d sequences, want %d", n, len(seqs), receipts)
	}
}

func TestEndsCallBack(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	stream(t, dial(t, b.URL()), silentStream)
	tests := []struct {
		name string
		end  func(t *testing.T, p *publisher.Publisher, closeConn func())
		want error
	}{
		{"close with no time left", func(t *testing.T, p *publisher.Publisher, _ func()) {
			t.Helper()
			if err := p.Close(ended(t)); !errors.Is(err, context.Canceled) {
				t.Errorf("Close: %v", err)
			}
			if err := p.Close(t.Context()); err != nil {
				t.Errorf("second Close: %v", err)
			}
		}, publisher.ErrUnavailable},
		{"connection closed", func(_ *testing.T, _ *publisher.Publisher, closeConn func()) { closeConn() }, publisher.ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nc := dial(t, b.URL())
			// No try ends by itself within this test.
			p := newPublisher(t, nc, publisher.Config{MaxInFlight: 8, AckTimeout: time.Hour})
			const receipts = 7
			var calls [receipts]atomic.Int64
			errs := make(chan error, 2*receipts)
			for i := range receipts {
				if err := p.PublishAsync(t.Context(), message(i+1), func(_ publisher.Ack, err error) {
					calls[i].Add(1)
					errs <- err
				}); err != nil {
					t.Fatal(err)
				}
			}
			tt.end(t, p, nc.Close)
			for range receipts {
				select {
				case err := <-errs:
					if !errors.Is(err, tt.want) {
						t.Errorf("callback with %v, want %v", err, tt.want)
					}
				case <-time.After(patience):
					t.Fatal("a callback is missing")
				}
			}
			if err := p.Flush(patient(t)); err != nil {
				t.Fatal(err)
			}
			for i := range calls {
				if n := calls[i].Load(); n != 1 {
					t.Errorf("receipt %d: %d callbacks", i, n)
				}
			}
			if _, err := p.Publish(t.Context(), message(9)); !errors.Is(err, publisher.ErrClosed) {
				t.Errorf("publish after the end: %v", err)
			}
		})
	}
}

func TestCloseWaitsAndWakes(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, silentStream)
	p := newPublisher(t, nc, publisher.Config{MaxInFlight: 1, AckTimeout: 100 * time.Millisecond})
	var called atomic.Bool
	if err := p.PublishAsync(t.Context(), message(1), func(_ publisher.Ack, err error) {
		called.Store(err == nil)
	}); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() {
		_, err := p.Publish(patient(t), message(2)) // finds no room
		waiting <- err
	}()
	closed := make(chan error)
	go func() { closed <- p.Close(patient(t)) }()
	if err := <-waiting; !errors.Is(err, publisher.ErrClosed) {
		t.Errorf("publish that waited for room: %v", err)
	}
	waitFor(t, "the first receipt", func() bool { return count(t, s) == 1 })
	stream(t, nc, nil)
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if !called.Load() {
		t.Error("Close returned before the receipt in flight was acknowledged")
	}
	if nc.IsClosed() {
		t.Error("Close closed the connection, which is the caller's")
	}
}

// A publisher that is closed in the midst of publishing accepts each receipt or
// refuses it, and calls back for what it accepted.
func TestCloseRace(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	stream(t, nc, nil)
	for range 20 {
		p := newPublisher(t, nc, publisher.Config{MaxInFlight: 4})
		var accepted, called atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := 1; ; i++ {
					err := p.PublishAsync(patient(t), message(i), func(publisher.Ack, error) { called.Add(1) })
					if errors.Is(err, publisher.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					accepted.Add(1)
				}
			})
		}
		waitFor(t, "a receipt", func() bool { return called.Load() > 0 })
		if err := p.Close(patient(t)); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if err := p.Flush(patient(t)); err != nil {
			t.Error(err)
		}
		if a, c := accepted.Load(), called.Load(); a != c {
			t.Errorf("%d accepted, %d callbacks", a, c)
		}
	}
}
