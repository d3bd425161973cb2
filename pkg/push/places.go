package push

import "sync"

// lightWeight is up to which weight a receipt does not wait for heavier ones.
const lightWeight = 8

// places bounds what a handler with [Work.Start] has begun: light receipts until they
// weigh most together, and heavy ones until they weigh twice as much, so that one begins
// before the last targets of the other are done. Its methods are safe for concurrent use.
type places struct {
	most int
	room func() int // how many of most there are for light ones now

	mu           sync.Mutex
	forLight     sync.Cond // there may be room for a light receipt
	toWait       sync.Cond // there may be room in waiting
	light, heavy int       // the weights of what has begun
	waiting      []*started
	serving      bool // somebody starts those
	closed       bool // nothing begins any more
}

func newPlaces(most int, room func() int) *places {
	p := &places{most: most, room: room}
	if room == nil {
		p.room = func() int { return most }
	}
	p.forLight.L, p.toWait.L = &p.mu, &p.mu
	return p
}

// enter reports whether s may begin now. A light receipt is waited for, and a heavy one
// begins later: next returns it then, or close. It is waited for only where most wait
// already. Without a place, s is to be handed back if it waits for none.
func (p *places) enter(s *started) (begins, waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.light {
		for !p.closed && p.light > 0 && p.light+s.weight > min(p.most, p.room()) {
			p.forLight.Wait()
		}
		if !p.closed {
			p.light += s.weight
			p.forLight.Signal() // there may be room for another
		}
		return !p.closed, false
	}
	for len(p.waiting) >= p.most && !p.closed {
		p.toWait.Wait()
	}
	switch {
	case p.closed:
		return false, false
	case len(p.waiting) > 0 || !p.fits(s):
		p.waiting = append(p.waiting, s)
		return false, true
	}
	p.heavy += s.weight
	return true, false
}

// fits reports whether the heavy s may begin. The caller holds mu.
func (p *places) fits(s *started) bool { return p.heavy+s.weight <= 2*p.most }

// leave gives s's place back, and reports whether its caller is to start what next
// returns.
func (p *places) leave(s *started) (serve bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.light {
		p.light -= s.weight
		p.forLight.Signal()
		return false
	}
	p.heavy -= s.weight
	if p.serving || len(p.waiting) == 0 || !p.fits(p.waiting[0]) {
		return false
	}
	p.serving = true
	return true
}

// next takes the heavy receipt that has waited longest, if it may begin now; nil if not,
// and then its caller serves no more.
func (p *places) next() *started {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 || !p.fits(p.waiting[0]) {
		p.serving = false
		return nil
	}
	s := p.waiting[0]
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
	p.heavy += s.weight
	p.toWait.Signal()
	return s
}

// close has nothing begin any more, and returns what waits for that.
func (p *places) close() []*started {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := p.waiting
	p.waiting, p.closed = nil, true
	p.forLight.Broadcast()
	p.toWait.Broadcast()
	return waiting
}
