package line

import (
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// State is s with what the line knows: its connections, and what limits it now.
func (l *Line) State(s push.State) push.State {
	s.Connections, s.PerSecond = l.Connections(), l.pace.now(time.Now())
	l.limit.mu.Lock()
	defer l.limit.mu.Unlock()
	s.InFlight, s.InFlightLimit = l.limit.used, int(l.limit.now)
	return s
}
