package queue_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

func TestPullGivesExactlyWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 10)
	got := 0
	n, err := r.Lane.Fresh.Pull(t.Context(), 7, 0, nil, func(m consumer.Message) {
		if want := string('0' + rune(got)); string(m.Data()) != want {
			t.Errorf("message %d is %q, want %q", got, m.Data(), want)
		}
		got++
		brokertest.Ack(t, m)
	})
	if n != 7 || got != 7 || err != nil {
		t.Errorf("Pull = %d, %v after %d messages, want 7 and no error", n, err, got)
	}
	if to := r.Info(t, "fcm").Delivered.Stream; to != 7 {
		t.Errorf("the broker delivered up to %d, want 7", to)
	}
	r.AwaitPending(t, "PUSH", "fcm", 3)
}

// Many messages through several pulls on one durable, most of
// them stopped at a random moment: nothing is given twice, nothing more than
// asked for, and nothing is left waiting for its AckWait.
func TestPullLosesNothingWhenStoppedAtAnyMoment(t *testing.T) {
	t.Parallel()
	const messages, pullers = 30_000, 4
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.AckWait = time.Hour }) // what is lost stays away
	r.Publish(t, messages)
	seen := make([]atomic.Int32, messages+1)
	var total atomic.Int64
	pullUntil(t, pullers, func() bool { return total.Load() >= messages }, func() {
		first, again := 1+rand.IntN(700), 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(20_000))*time.Microsecond)
		defer cancel()
		if rand.IntN(2) == 0 {
			again = rand.IntN(2000)
		}
		taken, want := 0, first+again
		more, _ := overlap(first, 1<<20, again)
		n, err := r.Lane.Fresh.Pull(ctx, first, 1<<20, more, func(m consumer.Message) {
			taken++
			seen[m.Origin().Seq].Add(1)
			total.Add(1)
			brokertest.Ack(t, m)
		})
		if err != nil || n != taken || n > want {
			t.Errorf("Pull of %d = %d, %v after %d messages", want, n, err, taken)
		}
	})
	for seq := 1; seq <= messages; seq++ {
		if n := seen[seq].Load(); n != 1 {
			t.Fatalf("message %d was delivered %d times", seq, n)
		}
	}
	brokertest.Eventually(t, "all acknowledged", func() bool {
		info := r.Info(t, "fcm")
		return info.NumAckPending == 0 && info.NumPending == 0 && info.NumRedelivered == 0
	})
}

// pullUntil runs pull in several goroutines over and over until done.
func pullUntil(t *testing.T, pullers int, done func() bool, pull func()) {
	t.Helper()
	end := time.Now().Add(2 * brokertest.Deadline)
	var wg sync.WaitGroup
	for range pullers {
		wg.Go(func() {
			for !done() && !t.Failed() {
				if time.Now().After(end) {
					t.Error("not all messages arrived")
					return
				}
				pull()
			}
		})
	}
	wg.Wait()
}

// Connections that break lose what is on the wire until AckWait, but no pull
// gives more than was asked for, and none is stuck.
func TestPullSurvivesCutConnections(t *testing.T) {
	t.Parallel()
	const messages = 20_000
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.AckWait = time.Second })
	r.Publish(t, messages)
	wire := brokertest.NewProxy(t, r.Broker.URL())
	conn, err := broker.Connect(t.Context(), broker.Options{URL: wire.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	lane := brokertest.BindLane(t, conn, r.Topology)
	all, done := context.WithCancel(t.Context())
	defer done()
	seen := make([]atomic.Int32, messages+1)
	var distinct, cuts atomic.Int64
	pullUntil(t, 3, func() bool { return all.Err() != nil }, func() {
		first, again := 1+rand.IntN(400), rand.IntN(400)
		more, _ := overlap(first, 1<<20, again)
		want := first + again
		n, err := lane.Fresh.Pull(all, first, 1<<20, more, func(m consumer.Message) {
			_ = m.Ack() // the wire may be cut at this moment
			if seen[m.Origin().Seq].Add(1) > 1 {
				return
			}
			switch d := distinct.Add(1); {
			case d == messages:
				done()
			case d%5000 == 0:
				cuts.Add(1)
				wire.Cut()
			}
		})
		if err != nil || n > want {
			t.Errorf("Pull of %d = %d, %v", want, n, err)
		}
	})
	if cuts.Load() < 3 {
		t.Errorf("the connection was cut %d times only", cuts.Load())
	}
}

func TestPullGoesOnAfterABrokerRestart(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 3)
	halfway := make(chan struct{})
	result := make(chan error, 1)
	var got atomic.Int32
	go func() {
		n, err := r.Lane.Fresh.Pull(t.Context(), 5, 0, nil, func(m consumer.Message) {
			brokertest.Ack(t, m)
			if got.Add(1) == 3 {
				close(halfway)
			}
		})
		if n != 5 && err == nil {
			err = errors.New("Pull returned too few messages")
		}
		result <- err
	}()
	<-halfway
	brokertest.Eventually(t, "all acknowledged", func() bool { return r.Info(t, "fcm").NumAckPending == 0 })
	r.Restart(t)
	r.Publish(t, 2)
	select {
	case err := <-result:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(brokertest.Deadline):
		t.Fatal("Pull did not go on after the restart")
	}
}

func TestPullStopsWithoutABroker(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	source := queue.Patient(r.Lane.Fresh) // a flush would wait for an hour
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := source.Pull(ctx, 5, 0, nil, func(consumer.Message) {})
		result <- err
	}()
	r.Broker.Stop(t)
	brokertest.Eventually(t, "disconnected", func() bool { return !r.Conn.Connected() })
	cancel()
	select {
	case err := <-result:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(brokertest.Deadline):
		t.Fatal("Pull did not stop while the broker was away")
	}
	r.Broker.Restart(t)
}

func TestPullSaysWhenTheSourceIsGone(t *testing.T) {
	t.Parallel()
	deleteStream := func(t *testing.T, r *brokertest.Rig) {
		t.Helper()
		if err := r.JetStream.DeleteStream(t.Context(), "PUSH"); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		destroy func(*testing.T, *brokertest.Rig)
		before  bool // the pull starts
	}{
		"durable deleted during a pull": {brokertest.DeleteDurable, false},
		"durable deleted before a pull": {brokertest.DeleteDurable, true},
		"stream deleted during a pull":  {deleteStream, false},
		"stream deleted before a pull":  {deleteStream, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			r.Publish(t, 1)
			source := queue.Patient(r.Lane.Fresh) // a missed heartbeat would not be noticed in time
			started, result := make(chan struct{}), make(chan error, 1)
			if test.before {
				test.destroy(t, r)
			}
			go func() {
				_, err := source.Pull(t.Context(), 5, 0, nil, func(m consumer.Message) {
					brokertest.Ack(t, m)
					close(started)
				})
				result <- err
			}()
			if !test.before {
				<-started
				test.destroy(t, r)
			}
			select {
			case err := <-result:
				if !errors.Is(err, consumer.ErrSourceGone) {
					t.Errorf("Pull returned %v, want ErrSourceGone", err)
				}
				brokertest.WantError(t, err, "was deleted", "stream PUSH", "pushworker provision")
			case <-time.After(brokertest.Deadline):
				t.Fatal("Pull did not notice")
			}
		})
	}
}

// A pull request that the broker has forgotten, for whatever reason, is noticed
// by the heartbeats that do not come.
func TestPullAsksAgainWhenTheBrokerIsSilent(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	var lost atomic.Int32
	wire := brokertest.NewProxy(t, r.Broker.URL(), func(b []byte) []byte {
		if bytes.Contains(b, []byte("MSG.NEXT")) && lost.Add(1) == 1 {
			return bytes.ReplaceAll(b, []byte("MSG.NEXT"), []byte("MSG.LOST"))
		}
		return b
	})
	if _, err := r.NATS.SubscribeSync("$JS.API.CONSUMER.MSG.LOST.>"); err != nil { // takes it and says nothing
		t.Fatal(err)
	}
	if err := r.NATS.Flush(); err != nil {
		t.Fatal(err)
	}
	conn, err := broker.Connect(t.Context(), broker.Options{URL: wire.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	r.Publish(t, 1)
	brokertest.PullOne(t, brokertest.BindLane(t, conn, r.Topology).Fresh)
	if lost.Load() < 2 {
		t.Error("no request was lost")
	}
}

// A durable that was made anew while we were away starts elsewhere; going on with
// it would be silent loss or a flood.
func TestPullRecognisesADurableMadeAnew(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	wire := brokertest.NewProxy(t, r.Broker.URL())
	conn, err := broker.Connect(t.Context(), broker.Options{URL: wire.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	lane := brokertest.BindLane(t, conn, r.Topology)
	result := make(chan error, 1)
	go func() {
		_, err := lane.Fresh.Pull(t.Context(), 5, 0, nil, func(consumer.Message) {})
		result <- err
	}()
	brokertest.Eventually(t, "pulling", func() bool { return r.Info(t, "fcm").NumWaiting == 1 })
	wire.Shut(true)
	brokertest.DeleteDurable(t, r)
	if _, err := topology.Provision(t.Context(), r.Conn, r.Topology); err != nil {
		t.Fatal(err)
	}
	wire.Shut(false)
	select {
	case err := <-result:
		if !errors.Is(err, consumer.ErrSourceGone) {
			t.Errorf("Pull returned %v, want ErrSourceGone", err)
		}
		brokertest.WantError(t, err, "created again", "restart the worker")
	case <-time.After(brokertest.Deadline):
		t.Fatal("Pull did not notice")
	}
}

func TestOriginOfAFreshMessage(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Store(t, "push.receipts.chat1", "body", nats.Header{
		"traceparent":  {"00-abc-def-01"},
		"Nats-Msg-Id":  {"m1"},
		"push-expires": {"2030-01-02T03:04:05+01:00"},
		"Push-Attempt": {"7"}, "Push-Origin-Seq": {"9"}, "PUSH-HANDLER": {"evil"},
		"X-Two": {"a", "b"},
	})
	m := brokertest.PullOne(t, r.Lane.Fresh)
	if string(m.Data()) != "body" {
		t.Errorf("data is %q", m.Data())
	}
	got := *m.Origin()
	stored := r.Stored(t, "PUSH")[0].Time
	want := consumer.Origin{
		Stream: "PUSH", Seq: 1, Stored: stored, Deliveries: 1,
		RootStream: "PUSH", RootSeq: 1, Subject: "push.receipts.chat1", First: stored,
		Expires: time.Date(2030, 1, 2, 2, 4, 5, 0, time.UTC),
		Header:  map[string][]string{"traceparent": {"00-abc-def-01"}, "X-Two": {"a", "b"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
}

func TestOriginWithoutHeaders(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Store(t, "push.receipts", "", nil)
	m := brokertest.PullOne(t, r.Lane.Fresh)
	if o := m.Origin(); o.Header != nil || !o.Expires.IsZero() || len(m.Data()) != 0 {
		t.Errorf("origin %+v with %d bytes, want neither headers nor data", o, len(m.Data()))
	}
}

// A publisher cannot make a message look like the broker's own words.
func TestMessageThatLooksLikeAStatusIsAMessage(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Store(t, "push.receipts", "", nats.Header{"Status": {"409"}, "Description": {"Consumer Deleted"}})
	if got := brokertest.PullOne(t, r.Lane.Fresh).Origin().Seq; got != 1 {
		t.Errorf("got message %d, want 1", got)
	}
}

// Over all processes, a suspect runs alone.
func TestSuspectsComeOneAtATime(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 2)
	s := queue.NewScheduler(r.Conn, r.Topology)
	for range 2 {
		retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), 0)
		retry.Origin.Alone = true
		if err := s.Schedule(t.Context(), retry); err != nil {
			t.Fatal(err)
		}
	}
	other := brokertest.BindLane(t, r.Broker.Connect(t), r.Topology) // another process
	got := make(chan consumer.Message, 2)
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline)
	defer cancel()
	for _, source := range []*queue.Source{r.Lane.Suspects, other.Suspects} {
		wg.Go(func() {
			if n, err := source.Pull(ctx, 1, 0, nil, func(m consumer.Message) { got <- m }); n != 1 || err != nil {
				t.Errorf("Pull = %d, %v", n, err)
			}
		})
	}
	first := <-got
	r.AwaitPending(t, "PUSH_RETRY", "fcm-suspects", 1)
	suspects, err := r.JetStream.Consumer(t.Context(), "PUSH_RETRY", "fcm-suspects")
	if err != nil {
		t.Fatal(err)
	}
	if info := suspects.CachedInfo(); info.NumAckPending != 1 || info.NumPending != 1 || len(got) != 0 {
		t.Errorf("%d suspects are out and %d wait, want 1 and 1", info.NumAckPending, info.NumPending)
	}
	brokertest.Ack(t, first)
	second := <-got
	if first.Origin().RootSeq == second.Origin().RootSeq {
		t.Error("the same suspect came twice")
	}
	brokertest.Ack(t, second)
	wg.Wait()
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	const ackWait = 4 * time.Second
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.AckWait = ackWait })
	r.Publish(t, 1)
	var m consumer.Message
	if _, err := r.Lane.Fresh.Pull(t.Context(), 1, 0, nil, func(got consumer.Message) { m = got }); err != nil {
		t.Fatal(err)
	}
	// InProgress keeps it from being redelivered well beyond AckWait. That says nothing where a
	// busy machine has not carried any for about as long.
	for end := time.Now().Add(brokertest.Deadline); ; {
		again, silent := held(t, r, m)
		if again == nil {
			break
		}
		if m = again; silent < ackWait/2 || time.Now().After(end) {
			t.Fatalf("redelivered in spite of InProgress, after at most %s without one", silent)
		}
	}
	before := m.Origin().Deliveries
	const delay = 300 * time.Millisecond
	nakAt := time.Now()
	if err := m.Nak(delay); err != nil {
		t.Fatal(err)
	}
	if got := brokertest.PullOne(t, r.Lane.Fresh).Origin().Deliveries; got != before+1 {
		t.Errorf("delivery %d after the nak, want %d", got, before+1)
	}
	if waited := time.Since(nakAt); waited < delay {
		t.Errorf("redelivered %s after a nak of %s", waited, delay)
	}
	brokertest.Eventually(t, "settled", func() bool { return r.Info(t, "fcm").NumAckPending == 0 })
}

// held has m be in progress for longer than twice its AckWait. It returns what the broker delivers in
// spite of that, and the longest time between two signs that have reached the broker.
func held(t *testing.T, r *brokertest.Rig, m consumer.Message) (again consumer.Message, silent time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	got := make(chan consumer.Message, 1)
	go func() {
		defer close(got)
		if _, err := r.Lane.Fresh.Pull(ctx, 1, 0, nil, func(m consumer.Message) { got <- m }); err != nil {
			t.Error(err)
		}
	}()
	beat := time.NewTicker(100 * time.Millisecond)
	defer beat.Stop()
	for last := time.Now(); ; {
		select {
		case <-beat.C:
			sent := time.Now()
			if err := errors.Join(m.InProgress(), r.Conn.NATS().FlushTimeout(brokertest.Deadline)); err != nil {
				t.Fatal(err)
			}
			silent, last = max(silent, time.Since(last)), sent
		case again := <-got:
			return again, max(silent, time.Since(last))
		}
	}
}

// What somebody publishes on a retry subject by hand is delivered, not rejected.
func TestRetryPublishedByHand(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	for _, h := range []nats.Header{nil, {
		"Push-Origin-Seq": {"x"}, "Push-Origin-Stream": {""}, "Push-Attempt": {"-3"}, "Push-First": {"yesterday"}, "Push-Expires": {"soon"}, "Push-Waited": {"long"},
	}, {"Push-Origin-Seq": {"5"}}} {
		r.Store(t, "push.retry.fcm", "{}", h)
		o := brokertest.PullOne(t, r.Lane.Retries).Origin()
		if o.RootStream != "PUSH_RETRY" || o.RootSeq != o.Seq || o.Subject != "push.retry.fcm" || !o.First.Equal(o.Stored) || o.Attempts != 0 || !o.Expires.IsZero() || o.Waited != 0 {
			t.Errorf("with header %v the origin is %+v", h, o)
		}
	}
}

// What lies on a lane's retry subject and was not stored by that lane is a receipt of
// that place and time; its headers say nothing.
func TestForgedRetryIsNotBelieved(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	forged := nats.Header{
		"Push-Origin-Stream": {"PUSH"}, "Push-Origin-Seq": {"7"}, "Push-Origin-Subject": {"push.receipts"}, "Push-Attempt": {"49"},
		"Push-First": {"2020-01-01T00:00:00Z"}, "Push-Redriven": {"3"}, "Push-Narrowed": {"true"},
	}
	r.Store(t, "push.retry.fcm", "{}", forged)
	o := brokertest.PullOne(t, r.Lane.Retries).Origin()
	if o.RootStream != "PUSH_RETRY" || o.RootSeq != o.Seq || o.Attempts != 0 || !o.First.Equal(o.Stored) || o.Redriven != 0 || o.Narrowed {
		t.Errorf("the origin is %+v", o)
	}
	// Nor do such headers on the subject of receipts, where every producer publishes.
	forged.Set("Push-Handler", "fcm")
	r.Store(t, "push.receipts", "{}", forged)
	o = brokertest.PullOne(t, r.Lane.Fresh).Origin()
	if o.RootStream != "PUSH" || o.RootSeq != o.Seq || o.Attempts != 0 || !o.First.Equal(o.Stored) || o.Redriven != 0 || o.Narrowed || len(o.Header) > 0 {
		t.Errorf("the origin of a receipt is %+v", o)
	}
}
