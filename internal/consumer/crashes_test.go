package consumer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// crashes is a worker and its broker in one process that crashes again and again. What was
// in its hands comes back as soon as it is up again. It lives in a synctest bubble.
type crashes struct {
	t                        *testing.T
	fresh, retries, suspects *memStream
	stores                   *stores
	runs                     time.Duration // how long the handler takes
	killer                   int           // the receipt that ends the process; 0 is none
	lives                    int
}

func newCrashes(t *testing.T, runs time.Duration) *crashes {
	t.Helper()
	s := &crashes{
		t: t, runs: runs,
		fresh: newMemStream("PUSH", ackWait), retries: newMemStream("PUSH_RETRY", ackWait), suspects: newMemStream("PUSH_RETRY", ackWait),
	}
	s.stores = &stores{retries: s.retries, suspects: s.suspects, letters: map[string]letter{}}
	return s
}

// life is one process, from its start to its death, which comes after length at
// the latest.
func (s *crashes) life(length time.Duration) {
	s.t.Helper()
	s.lives++
	m := &killable{died: make(chan struct{})}
	h := handler(s.t, 64, 4, func(ctx context.Context, r *push.Receipt) error {
		if r.Payload.SeqId == s.killer && s.killer != 0 {
			m.die()
		}
		select {
		case <-time.After(s.runs):
			return nil
		case <-ctx.Done():
			return push.ErrNotStarted
		}
	})
	lane := consumer.New(consumer.Config{
		Name: "fcm", Handler: h, Fresh: []consumer.Source{m.source(s.fresh)}, Retries: m.source(s.retries), Suspects: m.source(s.suspects),
		Scheduler: killableStores{s.stores, m}, DeadLetters: killableStores{s.stores, m},
		Policy:  retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: time.Hour, MaxAttempts: 10},
		AckWait: ackWait, Grace: time.Millisecond, Metrics: consumer.NewMetrics(prometheus.NewRegistry()), Log: zerolog.Nop(),
	})
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- lane.Run(ctx) }()
	select {
	case <-m.died:
	case <-time.After(length):
		m.die()
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, consumer.ErrUnfinished) {
		s.t.Errorf("Run: %v", err)
	}
	for _, memStream := range []*memStream{s.fresh, s.retries, s.suspects} {
		memStream.orphan()
	}
}

// killable makes that nothing which a dead process does has an effect.
type killable struct {
	dead atomic.Bool
	died chan struct{}
}

func (m *killable) die() {
	if m.dead.CompareAndSwap(false, true) {
		close(m.died)
	}
}

func (m *killable) source(s *memStream) killableSource { return killableSource{s, m} }

type killableSource struct {
	memStream *memStream
	killable  *killable
}

func (s killableSource) Pull(ctx context.Context, n, bytes int, more consumer.More, take func(consumer.Message)) (int, error) {
	return s.memStream.Pull(ctx, n, bytes, more, func(m consumer.Message) { take(killableMessage{m, s.killable}) })
}

type killableMessage struct {
	consumer.Message

	killable *killable
}

func (m killableMessage) Ack() error {
	if m.killable.dead.Load() {
		return nil
	}
	return m.Message.Ack()
}

func (m killableMessage) Nak(delay time.Duration) error {
	if m.killable.dead.Load() {
		return nil
	}
	return m.Message.Nak(delay)
}

func (m killableMessage) InProgress() error {
	if m.killable.dead.Load() {
		return nil
	}
	return m.Message.InProgress()
}

type killableStores struct {
	*stores

	killable *killable
}

func (s killableStores) Schedule(ctx context.Context, r consumer.Retry) error {
	if s.killable.dead.Load() {
		return errNoStore
	}
	return s.stores.Schedule(ctx, r)
}

func (s killableStores) Bury(ctx context.Context, l letter) error {
	if s.killable.dead.Load() {
		return errNoStore
	}
	return s.stores.Bury(ctx, l)
}

// TestKillsFromOutsideBuryNobody: kill -9 every two seconds for five minutes, with
// more to do than the lives are enough for, makes no innocent a crash loop.
func TestKillsFromOutsideBuryNobody(t *testing.T) {
	t.Parallel()
	for _, runs := range []time.Duration{300 * time.Millisecond, time.Second} {
		t.Run(runs.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newCrashes(t, runs)
				for i := range 150 {
					for j := range int(9 * time.Second / runs) { // four at a time, 8 s of work in a life
						s.fresh.add(receipt(1000*i+j, 1), consumer.Origin{}, 0)
					}
					s.life(1700*time.Millisecond + time.Duration(i%7)*100*time.Millisecond)
				}
				for _, l := range s.stores.buried() {
					t.Errorf("receipt %d was buried: %s", l.StreamSeq, l.Reason)
				}
			})
		})
	}
}

// TestKillerIsBuried: a receipt that always ends its process ends five, and no
// receipt is buried for its company.
func TestKillerIsBuried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCrashes(t, 100*time.Millisecond)
		s.killer = 20
		for i := range 100 {
			s.fresh.add(receipt(i+1, 1), consumer.Origin{}, 0)
		}
		for s.fresh.open()+s.retries.open()+s.suspects.open() > 0 && s.lives < 50 {
			s.life(time.Minute)
		}
		letters := s.stores.buried()
		if len(letters) != 1 || letters[0].Reason != "crash_loop" || letters[0].StreamSeq != 20 {
			t.Errorf("letters are %+v, want one crash_loop of receipt 20", letters)
		}
		if s.lives != 6 {
			t.Errorf("%d lives, want five that it ends and one that buries it", s.lives)
		}
	})
}

// TestRefusedStoresAreNoCrashes: a suspect that has run and cannot be stored stays in
// hand, so that its deliveries do not look like deaths to another process.
func TestRefusedStoresAreNoCrashes(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]error{"retry": errFault, "letter": push.Permanent(errFault)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen log
				r := start(t, handler(t, 8, 1, func(_ context.Context, r *push.Receipt) error {
					if seen.note(r) == 1 {
						return says
					}
					return nil
				}))
				r.stores.fail(errNoStore)
				r.suspects.add(receipt(1, 1), consumer.Origin{RootSeq: 9, RootStream: "PUSH", Alone: true}, 0)
				<-time.After(5 * ackWait)
				if n := len(r.suspects.seen()); n != 1 || seen.count() != 1 {
					t.Errorf("delivered %d times and run %d times while the stores refused, want once", n, seen.count())
				}
				r.stores.fail(nil)
				r.settled(time.Minute)
				for _, l := range r.stores.buried() {
					if l.Reason == "crash_loop" {
						t.Errorf("buried as %s, and nothing has crashed", l.Reason)
					}
				}
				_ = r.end()
			})
		})
	}
}

// TestStopLetsGoOfWhatIsNotStored: a lane that stops while a suspect waits for a
// store gives it back.
func TestStopLetsGoOfWhatIsNotStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 8, 1, func(context.Context, *push.Receipt) error { return errFault }))
		r.stores.fail(errNoStore)
		r.suspects.add(receipt(1, 1), consumer.Origin{RootSeq: 9, RootStream: "PUSH", Alone: true}, 0)
		<-time.After(ackWait)
		began := time.Now()
		_ = r.end()
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("stopping took %v", took)
		}
		if n := len(r.suspects.delays()); n != 1 {
			t.Errorf("nak'd %d times, want once", n)
		}
	})
}

// TestSuspectsComeFirst: a lane that starts tries a suspect before what else waits
// fills the handler, although the broker sends the suspect a little later.
func TestSuspectsComeFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		h := handler(t, 16, 1, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			<-time.After(time.Second)
			return nil
		})
		r := start(t, h, func(c *consumer.Config) {
			for i := range 12 {
				c.Fresh[0].(*memStream).add(receipt(10+i, 1), consumer.Origin{}, 0)
			}
			c.Suspects.(*memStream).add(receipt(1, 1), consumer.Origin{RootSeq: 99, RootStream: "PUSH", Alone: true}, 10*time.Millisecond)
		})
		r.settled(time.Minute)
		_ = r.end()
		if first := seen.got[0].Payload.SeqId; first != 1 {
			t.Errorf("receipt %d ran first, want the suspect", first)
		}
	})
}
