package pushtest

import (
	"errors"
	"sync"

	"github.com/pushworker/pushworker/pkg/push"
)

// Seed is a handler like Tinode's: a plain channel and one goroutine, and it reports no
// outcomes. Unlike Tinode's it empties its channel when it stops.
type Seed struct {
	mu   sync.Mutex
	in   chan *push.Receipt
	stop chan struct{} // nil unless running
	done chan struct{}
	seen log
}

// seedBuffer is the buffer of Tinode's handlers when nothing is configured.
const seedBuffer = 32

// SeedStyle makes a [Seed].
func SeedStyle() *Seed { return &Seed{} }

// Init implements [push.Handler].
func (s *Seed) Init(jsonconf string) error {
	c, err := push.ParseCommon(jsonconf)
	if err != nil || !c.Enabled {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return errors.New("already initialised: stop it before another Init")
	}
	s.in, s.stop, s.done = make(chan *push.Receipt, seedBuffer), make(chan struct{}), make(chan struct{})
	go s.run(s.in, s.stop, s.done)
	return nil
}

func (s *Seed) run(in <-chan *push.Receipt, stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	for {
		select {
		case r := <-in:
			s.seen.add(r)
		case <-stop:
			for len(in) > 0 {
				s.seen.add(<-in)
			}
			return
		}
	}
}

// IsReady implements [push.Handler].
func (s *Seed) IsReady() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop != nil
}

// Push implements [push.Handler].
func (s *Seed) Push() chan<- *push.Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in
}

// Stop implements [push.Handler].
func (s *Seed) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil {
		return
	}
	close(s.stop)
	<-s.done
	s.stop = nil
}

// Receipts returns the receipts taken so far, in order.
func (s *Seed) Receipts() []*push.Receipt { return s.seen.receipts() }

// Deaf is a handler that takes nothing.
type Deaf struct {
	ready bool
	in    chan *push.Receipt
}

// NeverReady makes a handler that is never ready.
func NeverReady() *Deaf { return &Deaf{in: make(chan *push.Receipt)} }

// NeverTakes makes a handler that is always ready and whose channel always blocks.
func NeverTakes() *Deaf { return &Deaf{ready: true, in: make(chan *push.Receipt)} }

// Init implements [push.Handler].
func (*Deaf) Init(string) error { return nil }

// IsReady implements [push.Handler].
func (d *Deaf) IsReady() bool { return d.ready }

// Push implements [push.Handler].
func (d *Deaf) Push() chan<- *push.Receipt { return d.in }

// Stop implements [push.Handler].
func (*Deaf) Stop() {}
