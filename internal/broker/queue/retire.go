package queue

import "time"

const (
	// drainWait bounds how long Pull waits for what the broker had already sent, and
	// then for its confirmation that this was all.
	drainWait = 5 * time.Second
	// quiet is for how long nothing has come when that is taken to be all.
	quiet = 100 * time.Millisecond
)

// retire ends the requests at the broker and receives what it had already sent for
// them. Without a connection that is what has already arrived.
func (p *pull) retire() {
	p.retired = true
	nc := p.source.conn.NATS()
	if nc.IsConnected() {
		p.settle()
	}
	if nc.IsConnected() { // still
		for _, r := range p.live {
			r.drain()
		}
		_ = p.source.conn.Flush(p.source.drainWait) // a lost connection brings no more messages either
	}
	for _, r := range p.live {
		r.close()
	}
	for range len(p.arrived) {
		p.receive(<-p.arrived)
	}
}

// settle receives until the requests are complete or nothing comes any more. The only
// way to end a request is to end its subscription, and what the broker has then queued
// for it counts as delivered: up to the whole request comes again, in a cluster only
// after AckWait, and what comes again like that twice is taken for a suspect.
func (p *pull) settle() {
	calm, late := time.NewTimer(quiet), time.NewTimer(p.source.drainWait)
	defer calm.Stop()
	defer late.Stop()
	for len(p.live) > 0 {
		select {
		case m := <-p.arrived:
			p.receive(m)
			calm.Reset(quiet)
		case <-calm.C:
			return
		case <-late.C:
			return
		case <-p.source.conn.Over():
			return
		}
	}
}
