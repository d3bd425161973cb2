package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// refusedUser begins the error of a letter for one user of several.
const refusedUser = "refused user "

var errNoStore = errors.New("store refuses")

// world is the broker, the provider and the processes of a model test. It lives in
// a synctest bubble.
type world struct {
	ledger

	fresh, retries, suspects *memStream
	processes                []*process

	down    atomic.Bool // the provider
	refuse  atomic.Bool // the stores
	full    atomic.Bool // the store of retries has reached its limit, which is no law of nature
	cramped atomic.Bool // the store of letters is full
	small   atomic.Bool // the broker takes messages for one user only
	unready atomic.Bool // the handlers
	stored  map[string]bool
}

func newWorld() *world {
	return &world{
		ledger: ledger{fates: map[uint64]*fate{}}, stored: map[string]bool{},
		fresh: newMemStream("PUSH", modelWait), retries: newMemStream("PUSH_RETRY", modelWait), suspects: newMemStream("PUSH_SUSPECTS", modelWait),
	}
}

// process is one worker: a lane, and its own view of the broker. Once it is dead
// nothing that it does has an effect.
type process struct {
	*world

	lane  *consumer.Lane
	stop  context.CancelFunc
	ended chan struct{}

	dead    atomic.Bool
	stopped atomic.Bool
	doomed  atomic.Int32 // where it shall die next: a deathbed
	mu      sync.Mutex
	holds   map[*item]uint64 // messages in its hands, and their root

	owed map[string]uint64 // letters that were refused, and their root; under the ledger's lock

	orderLog *orderLog
}

// deathbed is a moment to die at.
const (
	afterStoring int32 = iota + 1 // stored, not acked
	beforeAcking                  // the provider has it, the broker does not know
)

// startProcess starts a worker; it ends with stop or die.
func (w *world) startProcess() {
	p := &process{world: w, ended: make(chan struct{}), holds: map[*item]uint64{}, owed: map[string]uint64{}, orderLog: newOrderLog()}
	adapter := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: p.handle, TTL: p.ttl, Notifies: true}, nil
	})
	if err := adapter.Init(`{"buffer":8,"concurrency":3,"timeout":"1h"}`); err != nil {
		panic(err)
	}
	p.lane = consumer.New(consumer.Config{
		Name: "fcm", Handler: moody{adapter, &w.unready},
		Fresh: []consumer.Source{view{p, w.fresh}}, Retries: view{p, w.retries}, Suspects: view{p, w.suspects},
		Scheduler: p, DeadLetters: p,
		Policy:   retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: time.Hour, MaxAttempts: modelAttempts},
		MaxBytes: []int64{0, 20 << 10}[len(w.processes)%2], // every other has room for hardly more than a receipt
		AckWait:  modelWait, Grace: 10 * time.Second, Metrics: consumer.NewMetrics(prometheus.NewRegistry()), Log: zerolog.Nop(),
	})
	ctx, stop := context.WithCancel(context.Background())
	p.stop = func() { p.stopping(); stop() }
	go func() {
		defer close(p.ended)
		_ = p.lane.Run(ctx) // ErrUnfinished is an outcome like others
	}()
	w.processes = append(w.processes, p)
}

// ttl is asked for by the lane right before it hands r to the handler.
func (p *process) ttl(r *push.Receipt) time.Duration {
	plan := p.planOf(r)
	if fault := p.orderLog.starts(r); fault != "" {
		p.world.mu.Lock()
		defer p.world.mu.Unlock()
		p.fault("%v: %s", plan, fault)
	}
	return plan.TTL
}

// stopping disturbs what waits for its letter: it comes back as one that was not tried.
func (p *process) stopping() {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	if p.stopped.Swap(true) {
		return
	}
	for _, root := range p.owed {
		p.disturb(root)
	}
}

// die ends the process without a word. What it held may be delivered twice.
func (p *process) die() {
	if !p.dead.CompareAndSwap(false, true) {
		return
	}
	p.mu.Lock()
	held := p.holds
	p.holds = map[*item]uint64{}
	p.mu.Unlock()
	p.world.mu.Lock()
	for _, root := range held {
		p.disturb(root)
	}
	p.world.mu.Unlock()
	p.stop()
}

// dieAt dies if this is the moment.
func (p *process) dieAt(moment int32) {
	if p.doomed.CompareAndSwap(moment, 0) {
		p.die()
	}
}

// moody is a handler that is sometimes not ready.
type moody struct {
	*push.Adapter

	unready *atomic.Bool
}

func (m moody) IsReady() bool { return !m.unready.Load() && m.Adapter.IsReady() }

// view is a process's view of a stream.
type view struct {
	p         *process
	memStream *memStream
}

func (v view) Pull(ctx context.Context, n, bytes int, more consumer.More, take func(consumer.Message)) (int, error) {
	return v.memStream.Pull(ctx, n, bytes, more, func(m consumer.Message) {
		held := &heldMessage{message: m.(*message), p: v.p}
		v.p.mu.Lock()
		v.p.holds[held.item] = held.Origin().RootSeq
		v.p.mu.Unlock()
		v.p.orderLog.delivered(*held.Origin(), held.Data())
		take(held)
	})
}

// heldMessage is a message in a process's hands.
type heldMessage struct {
	*message

	p *process
}

func (m *heldMessage) Ack() error {
	m.p.dieAt(beforeAcking)
	if m.p.dead.Load() {
		return nil
	}
	m.p.acked(m.origin.RootSeq, m.Data(), func(u push.Uid) bool { return m.p.owes(m.item, u) })
	m.over()
	return m.message.Ack()
}

func (m *heldMessage) Nak(delay time.Duration) error {
	if m.p.dead.Load() {
		return nil
	}
	m.over()
	return m.message.Nak(delay)
}

func (m *heldMessage) InProgress() error {
	if m.p.dead.Load() {
		return nil
	}
	return m.message.InProgress()
}

func (m *heldMessage) over() {
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	delete(m.p.holds, m.item)
}

// owes reports whether a stored message other than this one is still to reach user
// of the same receipt; 0 is for a receipt that cannot be read.
func (w *world) owes(this *item, user push.Uid) bool {
	for _, s := range []*memStream{w.fresh, w.retries, w.suspects} {
		s.mu.Lock()
		for _, it := range s.items {
			_, named := users(it.data)[user]
			if (named || user == 0) && it != this && !it.acked && it.origin.RootSeq == this.origin.RootSeq {
				s.mu.Unlock()
				return true
			}
		}
		s.mu.Unlock()
	}
	return false
}

// Schedule stores each retry once, as the broker does.
func (p *process) Schedule(_ context.Context, r consumer.Retry) error {
	if err := p.store(r.Origin.RootSeq, "", p.full.Load() && !r.Last && r.Origin.Stream != p.retries.stream); err != nil {
		return err
	}
	if p.small.Load() && len(users(r.Data)) > 1 {
		return consumer.ErrTooLarge
	}
	defer p.dieAt(afterStoring)
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.scheduled(r)
	o := r.Origin
	id := fmt.Sprint(o.Stream, o.Seq, o.Stored, o.Attempts, o.Alone, r.Part)
	if p.stored[id] {
		return nil
	}
	p.stored[id] = true
	memStream := p.retries
	if o.Alone {
		memStream = p.suspects
	}
	memStream.add(string(r.Data), o, r.Delay)
	return nil
}

func (p *process) Bury(_ context.Context, l letter) error {
	if err := p.store(l.StreamSeq, l.ID, p.cramped.Load()); err != nil {
		return err
	}
	defer p.dieAt(afterStoring)
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	delete(p.owed, l.ID)
	p.buried(l)
	return nil
}

// store says whether the stores take anything of a receipt from this process now. What
// a process that stops cannot store comes back as it was. A retry has no letter.
func (p *process) store(root uint64, letter string, full bool) error {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	refused := full || p.refuse.Load()
	switch {
	case refused && p.stopped.Load():
		p.disturb(root)
	case refused && letter != "":
		p.owed[letter] = root
	}
	if refused || p.dead.Load() {
		return errNoStore
	}
	return nil
}

// forget makes the broker forget its last n acks of a stream.
func (w *world) forget(s *memStream, n int) {
	s.mu.Lock()
	var lost []uint64
	var roots []uint64
	for i := len(s.items) - 1; i >= 0 && len(lost) < n; i-- {
		if it := s.items[i]; it.acked {
			lost, roots = append(lost, it.origin.Seq), append(roots, it.origin.RootSeq)
		}
	}
	s.mu.Unlock()
	w.mu.Lock()
	for _, root := range roots {
		w.disturb(root)
	}
	w.mu.Unlock()
	for _, seq := range lost {
		s.redeliver(seq)
	}
}

// settle heals everything and waits until nothing is stored any more.
func (w *world) settle() {
	w.down.Store(false)
	w.refuse.Store(false)
	w.full.Store(false)
	w.cramped.Store(false)
	w.small.Store(false)
	w.unready.Store(false)
	w.startProcess()
	for began := time.Now(); w.fresh.open()+w.retries.open()+w.suspects.open() > 0; <-time.After(time.Second) {
		if time.Since(began) > 6*time.Hour {
			w.mu.Lock()
			w.fault("%d messages are still open after six hours", w.fresh.open()+w.retries.open()+w.suspects.open())
			w.mu.Unlock()
			break
		}
		synctest.Wait()
	}
	for _, p := range w.processes {
		p.stop()
		<-p.ended
	}
}
