package line

import (
	"sync"
	"time"
)

const (
	// headroom is by how much more requests may be open than the rate and the latency need
	// on average.
	headroom = 2
	// unsaid is the rate that a line without PerSecond shall allow: 720 requests in flight do
	// while answers take no more than 20 ms, and 1,440 up to 40 ms.
	unsaid = 18_000
	// sharpness is the share of the newest answer in the latency: some hundred answers
	// make it.
	sharpness = 1.0 / 64
)

// reach is how many requests may be open, which follows from the rate that is wanted and
// the latency that is seen (Little's law): base of them, or more where base would not
// allow the rate, up to ceiling. A provider that answers nothing changes nothing.
type reach struct {
	base, ceiling float64
	perSecond     float64

	mu      sync.Mutex
	latency float64 // of accepted requests, in seconds, on average
}

// hear takes the latency of an accepted request, and returns how many may be open.
func (r *reach) hear(took time.Duration) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latency += (took.Seconds() - r.latency) * sharpness
	return min(max(r.base, r.perSecond*r.latency*headroom), r.ceiling)
}

// allow sets the most that the limit rises to. One that is there already, and not below it
// because of refusals, goes along.
func (l *limit) allow(most float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now >= l.most || l.now > most {
		l.now = most
	}
	l.most = most
}

// stay has InFlight be the most for good, before anything is sent: net/http makes a
// connection for each 90 of them.
func (l *Line) stay() { l.MostInFlight, l.reach.ceiling = 0, 0 }

// Places is how many requests there may ever be at the same time.
func (l *Line) Places() int { return max(l.InFlight, l.MostInFlight) }

// Room is how many there may be now, waiting ones included: what comes beyond that would
// only wait here.
func (l *Line) Room() int {
	l.limit.mu.Lock()
	defer l.limit.mu.Unlock()
	return int(l.limit.now)
}

// hear notes how long an accepted request took.
func (l *Line) hear(took time.Duration) {
	if l.reach.ceiling > l.reach.base {
		l.limit.allow(l.reach.hear(took))
	}
}
