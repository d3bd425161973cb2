package consumer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestDropOnBlock: a full channel drops, the queue brings everything back, no
// attempt is counted, and the backlog is not turned over in a hot loop.
func TestDropOnBlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &plain{ch: make(chan *push.Receipt, 4), ready: true}
		r := start(t, h)
		for i := range 1000 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		<-time.After(10 * time.Second) // nobody reads the channel
		synctest.Wait()
		drops := r.metric("receipts_dropped_total")
		if naks := len(r.fresh.delays()); drops == 0 || float64(naks) != drops {
			t.Errorf("%v drops, %d naks; want as many naks as drops, and some", drops, naks)
		}
		for _, d := range r.fresh.delays() {
			if d < 100*time.Millisecond || d > time.Second {
				t.Fatalf("nak'd with %v, want 100 ms to 1 s", d)
			}
		}
		if drops > 10*10+10 { // one message at a time, every 100 ms, after the first pull
			t.Errorf("%v drops in 10 s is a hot loop", drops)
		}
		seen := map[int]int{}
		done := make(chan struct{})
		go func() {
			for range 1000 {
				seen[(<-h.ch).Payload.SeqId]++
			}
			close(done)
		}()
		<-done
		r.settled(time.Minute)
		if err := r.end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if len(seen) != 1000 {
			t.Errorf("%d different receipts arrived, want 1000", len(seen))
		}
		if n := len(r.stores.scheduled()) + len(r.stores.buried()); n != 0 {
			t.Errorf("dropping cost %d attempts or letters", n)
		}
	})
}

func TestNotReadyIsNotPulled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &plain{ch: make(chan *push.Receipt, 4)})
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		<-time.After(10 * time.Second)
		if n := r.fresh.requests(); n != 0 {
			t.Errorf("%d pull requests for a handler that is not ready", n)
		}
		_ = r.end()
	})
}

// TestClosedChannel: a handler that closes its channel must not end the process.
func TestClosedChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &plain{ch: make(chan *push.Receipt, 4), ready: true}
		close(h.ch)
		r := start(t, h)
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.until(time.Second, "a drop", func() bool { return len(r.fresh.delays()) > 0 })
		_ = r.end()
	})
}

// TestRepeats: what the broker delivers again, although it is in flight or settled
// here, does not reach the handler again.
func TestRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			if r.Payload.SeqId == 2 {
				<-time.After(5 * time.Second)
			}
			return nil
		}))
		settled := r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		flying := r.fresh.add(receipt(2, 1), consumer.Origin{}, 0)
		<-time.After(time.Second)
		r.fresh.redeliver(settled)
		r.fresh.redeliver(flying)
		r.settled(10 * time.Second)
		_ = r.end()
		if n := seen.count(); n != 2 {
			t.Errorf("handled %d times, want 2", n)
		}
		if n := len(r.fresh.seen()); n != 4 {
			t.Errorf("the memStream delivered %d times, want 4", n)
		}
		if got := r.metric("receipts_repeated_total"); got != 2 {
			t.Errorf("receipts_repeated_total is %v, want 2", got)
		}
	})
}

// TestHandBackToADurableMadeAnew: what was in hand when the durable was made anew is handed
// back to the new one, at once and not when it has waited in vain for a heartbeat.
func TestHandBackToADurableMadeAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) > 1 {
				return nil
			}
			<-time.After(2 * time.Second)
			return push.ErrNotStarted
		}))
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		<-time.After(time.Second)
		r.fresh.renew()
		r.settled(5 * time.Second)
		_ = r.end()
		if n := seen.count(); n != 2 || r.metric("receipts_repeated_total") != 1 {
			t.Errorf("handled %d times, want 2", n)
		}
	})
}

// TestRecreatedStream: the same sequence of another incarnation is another receipt.
func TestRecreatedStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error { seen.note(r); return nil }))
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.settled(time.Second)
		r.fresh.clear()
		<-time.After(time.Second)
		r.fresh.add(receipt(2, 1), consumer.Origin{}, 0)
		r.settled(time.Second)
		_ = r.end()
		if n := seen.perSeq(); n[1] != 1 || n[2] != 1 {
			t.Errorf("handled %v, want each once", n)
		}
	})
}

// TestOutage: one Unavailable stops the pulling; the lane probes at most once a
// second, burns no attempt and drains the backlog when the provider is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var seen log
		var calls atomic.Int64
		r := start(t, handler(t, 32, 4, func(_ context.Context, r *push.Receipt) error {
			calls.Add(1)
			if down.Load() {
				return push.Unavailable(errFault)
			}
			seen.note(r)
			return nil
		}))
		down.Store(true)
		for i := range 500 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		<-time.After(time.Second)
		if got := r.metric("lane_breaker_open"); got != 1 {
			t.Fatalf("breaker gauge is %v during an outage", got)
		}
		before := calls.Load()
		<-time.After(60 * time.Second)
		probes := calls.Load() - before
		if probes < 20 || probes > 61 {
			t.Errorf("%d calls in 60 s of outage, want about one a second and never more", probes)
		}
		down.Store(false)
		r.settled(time.Minute)
		_ = r.end()
		if n := len(r.stores.buried()) + len(r.suspects.seen()); n != 0 {
			t.Errorf("the outage cost %d letters or made suspects", n)
		}
		for _, s := range r.stores.scheduled() {
			if s.Origin.Attempts != 0 {
				t.Errorf("the outage cost an attempt: %+v", s.Origin)
			}
		}
		if n := len(seen.perSeq()); n != 500 || seen.count() != 500 {
			t.Errorf("%d different receipts in %d deliveries, want 500 once", n, seen.count())
		}
	})
}

// TestCrashLoop: a receipt that processes died with is quarantined, and is buried if
// three more die with it there; one that survives is no suspect any more.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) == 1 {
				return errFault
			}
			return nil
		}))
		suspect := r.fresh.add(receipt(1, 1), consumer.Origin{}, time.Second)
		r.fresh.deliveries(suspect, 2) // two processes ended with it
		r.until(5*time.Second, "it ran", func() bool { return seen.count() >= 1 })
		moved := r.suspects.seen()
		if len(moved) != 1 || !moved[0].Alone || moved[0].RootSeq != suspect || moved[0].Attempts != 0 {
			t.Fatalf("suspects delivered %+v, want the receipt once, marked, with no attempt counted", moved)
		}
		r.settled(time.Minute)
		if back := r.retries.seen(); len(back) != 1 || back[0].Alone || back[0].Attempts != 1 {
			t.Errorf("retries delivered %+v, want the survivor as an ordinary retry", back)
		}

		unlucky := r.suspects.add(receipt(3, 1), consumer.Origin{RootSeq: 8, RootStream: "PUSH", Alone: true}, time.Second)
		r.suspects.deliveries(unlucky, 2) // as often as another killer ends a process before it is quarantined
		r.settled(time.Minute)
		if n := seen.perSeq(); n[3] != 1 || len(r.stores.buried()) != 0 {
			t.Errorf("after two deaths the suspect ran %d times and left the letters %+v, want one run", n[3], r.stores.buried())
		}

		killer := r.suspects.add(receipt(2, 1), consumer.Origin{RootSeq: 9, RootStream: "PUSH", Alone: true}, time.Second)
		r.suspects.deliveries(killer, 3)
		r.settled(time.Minute)
		_ = r.end()
		if n := seen.perSeq(); n[2] != 0 {
			t.Errorf("the killer ran %d more times", n[2])
		}
		letters := r.stores.buried()
		if len(letters) != 1 || letters[0].Reason != "crash_loop" || letters[0].StreamSeq != 9 {
			t.Errorf("letters are %+v, want one crash_loop", letters)
		}
	})
}

// TestHandBacksOfOthersAreNoCrashes: a second hand-back is stored anew, so that
// another process, which sees only the count of deliveries, suspects nothing.
func TestHandBacksOfOthersAreNoCrashes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 8, 1, func(context.Context, *push.Receipt) error { return push.ErrNotStarted }))
		once := r.fresh.add(receipt(1, 1), consumer.Origin{}, time.Second)
		r.fresh.deliveries(once, 1) // another process has handed it back
		r.until(10*time.Second, "stored anew", func() bool { return len(r.stores.scheduled()) > 0 })
		_ = r.end()
		if s := r.stores.scheduled()[0]; s.Origin.Attempts != 0 || s.Origin.Alone {
			t.Errorf("stored %+v, want no attempt and no suspicion", s.Origin)
		}
		if n := len(r.fresh.delays()); n != 0 {
			t.Errorf("nak'd %d times", n)
		}
	})
}

// TestHandBacksAreNoCrashes: deliveries that this process caused by handing back do
// not make a receipt a suspect.
func TestHandBacksAreNoCrashes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		r := start(t, handler(t, 8, 1, func(context.Context, *push.Receipt) error {
			if n.Add(1) <= 6 {
				return push.ErrNotStarted
			}
			return nil
		}))
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		if got := len(r.suspects.seen()); got != 0 {
			t.Errorf("handed back 6 times and became a suspect")
		}
		if got := n.Load(); got != 7 {
			t.Errorf("handled %d times, want 7", got)
		}
	})
}
