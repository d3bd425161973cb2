package fcm

import (
	"sync"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// projects holds the window of each project.
type projects struct {
	mu sync.Mutex
	m  map[string]*fake.Window
}

func (p *projects) take(name string, now time.Time, perMinute int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.m[name]
	if w == nil {
		w = new(fake.Window)
		p.m[name] = w
	}
	return w.Take(now, perMinute)
}

func (p *projects) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m = make(map[string]*fake.Window)
}
