package h2post

import (
	"slices"
	"time"
)

const (
	// tick is how exact deadlines are.
	tick = 100 * time.Millisecond
	// stuckAfter is how long a write may take before no request is given to its
	// connection, if there is another.
	stuckAfter = 2 * tick
	// silentAfter is how long a PING may be open before no request is given to its
	// connection, if another can be had.
	silentAfter = time.Second
)

// pace is how often the clock is looked at.
type pace uint8

const (
	stopped pace = iota
	slow         // there are only idle connections
	fast
)

// arm has the clock looked at as often as there is need.
func (c *Client) arm() {
	want := stopped
	if c.open+c.queue.len > 0 || slices.ContainsFunc(c.conns, (*conn).waits) {
		want = fast
	} else if len(c.conns) > 0 {
		want = slow
	}
	if want <= c.pace {
		return
	}
	c.pace = want
	after := tick
	if want == slow {
		after = c.o.IdleAfter
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(after, c.look)
	} else {
		c.timer.Reset(after)
	}
}

// rest stops the clock of a client that is closed.
func (c *Client) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
}

// look does what is due.
func (c *Client) look() {
	now := time.Now()
	c.mu.Lock()
	defer c.unlock()
	c.pace = stopped
	c.wary = c.wary && now.Sub(c.loss) < waryFor
	c.expire(&c.queue, now)
	for _, cn := range slices.Backward(c.conns) {
		cn.look(now)
	}
}

// expire completes a request that has waited too long for a stream: nothing of it was sent.
func (c *Client) expire(l *list, now time.Time) {
	for r := l.first; r != nil; {
		next := r.next
		if now.After(r.due) {
			c.end(r, Unprocessed, ErrTimeout)
		}
		r = next
	}
}

func (cn *conn) look(now time.Time) {
	if cn.over {
		return
	}
	if since := cn.out.since; !since.IsZero() && now.Sub(since) > stuckAfter {
		cn.out.stuck = true
		cn.unassign()
	}
	cn.client.expire(&cn.assigned, now)
	for _, r := range cn.streams {
		if now.After(r.due) {
			cn.abandon(r, TimedOut, ErrTimeout)
		}
	}
	switch {
	case len(cn.streams) > 0 || cn.waits():
		cn.listen(now)
	case cn.assigned.len == 0 && !cn.leaving && now.Sub(cn.idle) >= cn.client.o.IdleAfter:
		cn.drain()
	}
}

// listen finds out whether the peer still lives: whatever it sends shows that.
func (cn *conn) listen(now time.Time) {
	heard := cn.raw.last()
	switch {
	case cn.waits() && heard.After(cn.pinged):
		cn.pinged, cn.silent = time.Time{}, false
	case !cn.waits() && now.Sub(heard) >= cn.client.o.PingAfter:
		cn.ping(now)
	case cn.waits() && now.Sub(cn.pinged) >= cn.client.o.PingWait:
		cn.kill(errSilent)
		cn.client.doubt(now)
	case cn.waits() && now.Sub(cn.pinged) >= silentAfter:
		cn.suspect(now)
	}
}

// suspect has the connection take no more requests if others can be had.
func (cn *conn) suspect(now time.Time) {
	cn.silent = true
	cn.client.beware(now)
}

// beware has requests be spread for a while.
func (c *Client) beware(now time.Time) { c.wary, c.loss = true, now }

// waits reports whether a PING has not been answered yet.
func (cn *conn) waits() bool { return !cn.pinged.IsZero() }

func (cn *conn) ping(now time.Time) {
	cn.pinged = now
	_ = cn.framer.WritePing(false, [8]byte{})
	cn.signal()
}

// doubt is called when a connection has turned out to be dead without a word: the others
// on which nothing was heard lately may have met the same end, and take no requests
// until they have answered.
func (c *Client) doubt(now time.Time) {
	for _, cn := range c.conns {
		if !cn.draining && !cn.waits() && now.Sub(cn.raw.last()) >= c.o.PingAfter {
			cn.ping(now)
			cn.suspect(now)
		}
	}
}
