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
	if c.open+c.queue.len > 0 {
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
	case len(cn.streams) > 0:
		cn.listen(now)
	case cn.assigned.len == 0 && !cn.leaving && now.Sub(cn.idle) >= cn.client.o.IdleAfter:
		cn.drain()
	}
}

// listen finds out whether the peer still lives: whatever it sends shows that.
func (cn *conn) listen(now time.Time) {
	heard := time.Unix(0, cn.raw.heard.Load())
	switch {
	case !cn.pinged.IsZero() && heard.After(cn.pinged):
		cn.pinged = time.Time{}
	case cn.pinged.IsZero() && now.Sub(heard) >= cn.client.o.PingAfter:
		cn.pinged = now
		_ = cn.framer.WritePing(false, [8]byte{})
		cn.signal()
	case !cn.pinged.IsZero() && now.Sub(cn.pinged) >= cn.client.o.PingWait:
		cn.kill(errSilent)
	}
}
