package push

import (
	"sync/atomic"
	"time"
)

// started is a receipt on its way by [Work.Start], and the context of its work.
type started struct {
	lazyContext

	pool    *pool
	receipt *Receipt
	weight  int
	light   bool // does not wait for those that are not
	over    atomic.Bool
}

// admit starts r when there is a place for it.
func (p *pool) admit(r *Receipt) {
	n, err := p.weigh(r)
	if err != nil {
		r.Done(err)
		return
	}
	s := &started{pool: p, receipt: r, weight: min(n, p.places.most), light: n <= lightWeight}
	switch begins, waits := p.places.enter(s); {
	case begins:
		s.start()
	case !waits:
		r.Done(ErrNotStarted)
	}
}

// weigh is Work.Weight. A receipt that is heavier than all places together takes them all.
func (p *pool) weigh(r *Receipt) (n int, err error) {
	if p.work.Weight == nil {
		return 1, nil
	}
	defer recovered(&err)
	return max(1, p.work.Weight(r)), nil
}

// start begins the work, unless the pool stops. s has a place.
func (s *started) start() {
	p := s.pool
	if p.stopping.Load() {
		s.receipt.Done(ErrNotStarted)
		p.leave(s)
		return
	}
	p.workers.Add(1)
	s.receipt.begun = time.Now()
	s.parent, s.deadline = p.ctx, s.receipt.begun.Add(p.timeout)
	if err := s.work(); err != nil {
		s.done(err)
	}
}

// work returns the error that Start's panic is.
func (s *started) work() (err error) {
	defer recovered(&err)
	s.pool.work.Start(s, s.receipt, s.done)
	return nil
}

// done takes the outcome. Only the first counts: Start may panic after it, or what it
// has started before.
func (s *started) done(err error) {
	if s.over.Swap(true) {
		return
	}
	p := s.pool
	err = p.outcome(err, s.deadline)
	s.end()
	s.receipt.Done(err)
	p.leave(s)
	p.workers.Done()
}

// leave gives s's place back, and has those started who have waited for it. It is called
// from within the work of the pool, so that more of it may begin.
func (p *pool) leave(s *started) {
	if p.places.leave(s) {
		p.workers.Go(p.serve)
	}
}

// serve starts heavy receipts that have waited.
func (p *pool) serve() {
	for s := p.places.next(); s != nil; s = p.places.next() {
		s.start()
	}
}
