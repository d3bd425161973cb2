package publisher

import (
	"slices"
	"sync"
)

// wave is the flights that began between two calls of Flush.
type wave struct {
	live int           // flights whose callback has not returned
	over chan struct{} // closed when there are none, of a wave in Publisher.earlier
}

func newWave() *wave { return &wave{over: make(chan struct{})} }

// waves are those that have flights now; what begins later is in none of them.
func (p *Publisher) waves() []*wave {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current.live > 0 {
		p.earlier = append(p.earlier, p.current)
		p.current = newWave()
	}
	return slices.Clone(p.earlier)
}

// land ends a flight, whose callback has returned.
func (p *Publisher) land(f *flight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.wave.live--
	if f.wave.live == 0 && f.wave != p.current {
		close(f.wave.over)
		p.earlier = slices.DeleteFunc(p.earlier, func(w *wave) bool { return w == f.wave })
	}
}

// callbacks runs the callers' callbacks in their order, one at a time, on a goroutine
// of their own while there are any: on that of the acknowledgements they could not
// wait for one.
type callbacks struct {
	mu      sync.Mutex
	waiting []func()
	running bool
}

func (c *callbacks) add(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, f)
	if !c.running {
		c.running = true
		go c.run()
	}
}

func (c *callbacks) run() {
	for {
		c.mu.Lock()
		batch := c.waiting
		c.waiting, c.running = nil, len(batch) > 0
		c.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, f := range batch {
			f()
		}
	}
}
