package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// once asks for more one time, while something is still to come.
func once(n, bytes int) consumer.More {
	asked := false
	return func(left, _ int) (int, int) {
		if asked || left == 0 {
			return 0, 0
		}
		asked = true
		return n, bytes
	}
}

// overlap keeps between n and twice n messages to come, until total have been asked for.
func overlap(n, bytes, total int) (more consumer.More, overlapped *int) {
	overlapped = new(int)
	return func(left, _ int) (int, int) {
		again := min(n, total)
		if left > n || again <= 0 {
			return 0, 0
		}
		if total -= again; left > 0 {
			*overlapped++
		}
		return again, bytes
	}, overlapped
}

// Messages of requests that overlap come in the order of the stream, and as many as were
// asked for.
func TestOverlappingRequestsKeepTheOrder(t *testing.T) {
	t.Parallel()
	const messages, each = 20_000, 300
	r := brokertest.NewRig(t)
	r.Publish(t, messages+5)
	more, overlapped := overlap(each, 1<<20, messages-each)
	last := uint64(0)
	n, err := r.Lane.Fresh.Pull(t.Context(), each, 1<<20, more, func(m consumer.Message) {
		if seq := m.Origin().Seq; seq != last+1 {
			t.Errorf("message %d comes after %d", seq, last)
		}
		last = m.Origin().Seq
		brokertest.Ack(t, m)
	})
	if n != messages || err != nil {
		t.Errorf("Pull = %d, %v, want %d", n, err, messages)
	}
	if *overlapped < messages/each/2 {
		t.Errorf("%d requests overlapped", *overlapped)
	}
	if to := r.Info(t, "fcm").Delivered; to.Stream != messages || to.Consumer != messages {
		t.Errorf("the broker delivered %+v, want %d", to, messages)
	}
}

// Each request has bytes of its own: what all of them bring is no more than all were
// given, whether bytes are left over that are too few, or none, of which the broker says
// nothing, or the messages are complete before.
func TestOverlappingRequestsKeepToTheirBytes(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	brokertest.Fill(t, r.JetStream, r.Topology.Subject, 99, func(int) []byte { return []byte(strings.Repeat("x", 1000)) })
	r.AwaitPending(t, "PUSH", "fcm", 99) // which each message tells, in more digits or fewer
	size, source := 0, queue.Patient(r.Lane.Fresh)
	pull := func(n, bytes int, more consumer.More, want int, fault error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline) // before a watchdog ends it
		defer cancel()
		got, err := source.Pull(ctx, n, bytes, more, func(m consumer.Message) {
			size = m.Size()
			brokertest.Ack(t, m)
		})
		if got != want || !errors.Is(err, fault) || ctx.Err() != nil {
			t.Fatalf("Pull = %d, %v, in time %v; want %d, %v", got, err, ctx.Err() == nil, want, fault)
		}
	}
	pull(11, 0, nil, 11, nil) // from here on all are of one size
	pull(9, 3*size, once(9, 2*size), 5, nil)
	pull(9, 3*size+1, once(9, 2*size+1), 5, nil)
	pull(9, 3*size, once(9, 2*size+1), 5, nil)
	pull(9, 3*size, once(2, 9*size), 5, nil)
	pull(3, 9*size, once(9, 2*size), 5, nil)
	pull(3, 9*size, once(2, 9*size), 5, nil)
	pull(9, 3*size, once(9, size-1), 3, nil) // the second brings nothing
	pull(9, size-1, once(9, 9*size), 0, consumer.ErrNoRoom)
	info := r.Info(t, "fcm")
	if info.Delivered.Consumer != 44 || info.NumWaiting != 0 || info.NumRedelivered != 0 {
		t.Errorf("the broker has delivered %d and %d requests wait, want 44 and none", info.Delivered.Consumer, info.NumWaiting)
	}
}

// pulling is a Pull that has had one message and waits with two requests for eight.
type pulling struct {
	got  chan uint64
	stop context.CancelFunc
	done chan error
	n    int
}

func twoRequests(t *testing.T, r *brokertest.Rig, source *queue.Source) *pulling {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &pulling{got: make(chan uint64, 9), stop: stop, done: make(chan error, 1)}
	go func() {
		var err error
		p.n, err = source.Pull(ctx, 5, 1<<20, once(4, 1<<20), func(m consumer.Message) {
			_ = m.Ack() // the wire may be cut at this moment
			p.got <- m.Origin().Seq
		})
		p.done <- err
	}()
	r.Publish(t, 1)
	select {
	case <-p.got:
	case <-time.After(brokertest.Deadline):
		t.Fatal("no message comes")
	}
	brokertest.Eventually(t, "two requests", func() bool { return r.Info(t, "fcm").NumWaiting == 2 })
	return p
}

// end waits for the end of the pull.
func (p *pulling) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.done:
		return err
	case <-time.After(brokertest.Deadline):
		t.Fatal("Pull does not end")
		return nil
	}
}

// rest publishes the eight messages that two requests lack, and one more, which is for
// nobody.
func (p *pulling) rest(t *testing.T, r *brokertest.Rig) {
	t.Helper()
	r.Publish(t, 9)
	if err := p.end(t); err != nil || p.n != 9 {
		t.Fatalf("Pull = %d, %v; want 9", p.n, err)
	}
	for seq := uint64(2); seq <= 9; seq++ {
		if got := <-p.got; got != seq {
			t.Errorf("got message %d, want %d", got, seq)
		}
	}
	if m := brokertest.PullOne(t, r.Lane.Fresh).Origin(); m.Seq != 10 || m.Deliveries != 1 {
		t.Errorf("message %d comes after the pull, delivered %d times; want 10, once", m.Seq, m.Deliveries)
	}
}

// Whatever becomes of two requests, the pull brings what was asked for.
func TestOverlappingRequestsSurvive(t *testing.T) {
	t.Parallel()
	t.Run("a restart of the broker", func(t *testing.T) {
		t.Parallel()
		r := brokertest.NewRig(t)
		p := twoRequests(t, r, r.Lane.Fresh)
		r.Restart(t)
		p.rest(t, r)
	})
	t.Run("a cut connection", func(t *testing.T) {
		t.Parallel()
		r := brokertest.NewRig(t)
		wire := brokertest.NewProxy(t, r.Broker.URL())
		conn, err := broker.Connect(t.Context(), broker.Options{URL: wire.URL()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		p := twoRequests(t, r, brokertest.BindLane(t, conn, r.Topology).Fresh)
		wire.Cut()
		brokertest.Eventually(t, "connected again", func() bool { return conn.Reconnects() > 0 && conn.Connected() })
		p.rest(t, r)
	})
	t.Run("their time", func(t *testing.T) {
		t.Parallel()
		r := brokertest.NewRig(t)
		var asked atomic.Int32
		expires := regexp.MustCompile(`"expires":\d+`)
		wire := brokertest.NewProxy(t, r.Broker.URL(), func(b []byte) []byte { // as if it were short
			asked.Add(int32(bytes.Count(b, []byte("CONSUMER.MSG.NEXT"))))
			b = expires.ReplaceAllFunc(b, func(old []byte) []byte {
				return fmt.Appendf(nil, `"expires":%*d`, len(old)-len(`"expires":`), 300*time.Millisecond)
			})
			return bytes.ReplaceAll(b, []byte(`"idle_heartbeat":5000000000`), []byte(`"idle_heartbeat": 100000000`))
		})
		conn, err := broker.Connect(t.Context(), broker.Options{URL: wire.URL()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		p := twoRequests(t, r, brokertest.BindLane(t, conn, r.Topology).Fresh)
		brokertest.Eventually(t, "asked again", func() bool { return asked.Load() >= 6 })
		p.rest(t, r)
	})
}

// A durable that is deleted ends both requests.
func TestOverlappingRequestsOfADeletedDurable(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	p := twoRequests(t, r, queue.Patient(r.Lane.Fresh)) // a missed heartbeat would not be noticed in time
	brokertest.DeleteDurable(t, r)
	if err := p.end(t); !errors.Is(err, consumer.ErrSourceGone) {
		t.Errorf("Pull = %v, want ErrSourceGone", err)
	}
}

// A pull that is stopped leaves no request behind, to which a message would be lost.
func TestOverlappingRequestsAreStopped(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	p := twoRequests(t, r, r.Lane.Fresh)
	p.stop()
	if err := p.end(t); err != nil || p.n != 1 {
		t.Errorf("Pull = %d, %v; want 1", p.n, err)
	}
	r.Publish(t, 1)
	if m := brokertest.PullOne(t, r.Lane.Fresh).Origin(); m.Seq != 2 || m.Deliveries != 1 {
		t.Errorf("message %d comes, delivered %d times; want 2, once", m.Seq, m.Deliveries)
	}
}

// When the durable gets another leader, the requests at the old one are over. A message
// that goes to one of them between the nodes comes again after its AckWait.
func TestOverlappingRequestsSurviveAnotherLeader(t *testing.T) {
	t.Parallel()
	c := brokertest.StartCluster(t, 3)
	topo := (*brokertest.Broker)(nil).Topology("fcm")
	topo.Replicas, topo.AckWait = 3, 2*time.Second
	conn, err := broker.Connect(t.Context(), broker.Options{URL: c.URL(0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	r := &brokertest.Rig{Topology: topo, Conn: conn}
	r.NATS, r.JetStream = brokertest.Client(t, c.URL(0))
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	r.Lane = brokertest.BindLane(t, conn, topo)
	p := twoRequests(t, r, r.Lane.Fresh)
	if _, err := r.NATS.Request("$JS.API.CONSUMER.LEADER.STEPDOWN.PUSH.fcm", nil, brokertest.Deadline); err != nil {
		t.Fatal(err)
	}
	r.Publish(t, 8)
	if err := p.end(t); err != nil || p.n != 9 {
		t.Fatalf("Pull = %d, %v; want 9", p.n, err)
	}
	seen := make(map[uint64]bool)
	for range 8 {
		seen[<-p.got] = true
	}
	if len(seen) != 8 {
		t.Errorf("messages came twice: of 8 only %v", seen)
	}
}
