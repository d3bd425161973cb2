package h2post

import (
	"time"

	"golang.org/x/net/http2"
)

const (
	// maxWrite is about how much is written at once: four TLS records.
	maxWrite = 64 << 10
	// keptWrite is as large a buffer as is kept.
	keptWrite = 128 << 10
	// linger is how long a connection that cannot be written to is still read: the peer
	// may have said which requests it has not processed.
	linger = time.Second
)

// write is the one writer.
func (cn *conn) write() {
	defer func() { _ = cn.net.Close() }()
	broken := false
	for range cn.wake {
		for {
			p, last := cn.gather(broken)
			if last && len(p) == 0 {
				return
			}
			if len(p) == 0 {
				break
			}
			broken = !cn.send(p)
		}
	}
}

// gather takes what is to be written. last says that nothing will be any more.
func (cn *conn) gather(broken bool) (p []byte, last bool) {
	cn.client.mu.Lock()
	defer cn.client.unlock()
	cn.out.since, cn.out.stuck = time.Time{}, false
	if broken {
		cn.out.buf = cn.out.buf[:0]
		return nil, cn.over
	}
	if !cn.over {
		cn.fill()
	}
	if p = cn.out.buf; len(p) > 0 {
		if cap(cn.out.spare) > keptWrite {
			cn.out.spare = nil
		}
		p = cn.out.take()
		cn.out.since = time.Now()
	}
	return p, cn.over || cn.leaving
}

// send writes p and reports whether that went well.
func (cn *conn) send(p []byte) bool {
	err := cn.net.SetWriteDeadline(time.Now().Add(cn.client.o.WriteTimeout))
	n := 0
	if err == nil {
		n, err = cn.net.Write(p)
	}
	if err == nil {
		return true
	}
	cn.client.mu.Lock()
	defer cn.client.unlock()
	cn.out.handed -= uint64(len(p) - n)
	if cn.why == nil {
		cn.why = err
	}
	cn.draining = true
	cn.unassign()
	_ = cn.raw.SetReadDeadline(time.Now().Add(linger))
	return false
}

// fill gathers frames: what is left of bodies, then new requests, as many as streams
// and windows allow.
func (cn *conn) fill() {
	for r := cn.stalled.first; r != nil && len(cn.out.buf) < maxWrite; {
		next := r.next
		cn.body(r)
		r = next
	}
	for r := cn.assigned.first; r != nil && cn.mayOpen(); r = cn.assigned.first {
		if !cn.adopt(r) {
			cn.drain()
			break
		}
		r.leave()
		if err := cn.headers(r); err != nil {
			cn.client.end(r, Unprocessed, err)
			continue
		}
		cn.body(r)
	}
	if cn.nextID > lastStream && !cn.draining {
		cn.drain()
	}
}

// mayOpen reports whether a stream can be opened now. That there are not too many,
// hasRoom has seen to.
func (cn *conn) mayOpen() bool {
	return len(cn.out.buf) < maxWrite && cn.flow.window > 0 && cn.nextID <= lastStream && !cn.draining
}

// headers opens a stream for r.
func (cn *conn) headers(r *Request) error {
	if uint64(cn.enc.size(r)) > uint64(cn.flow.maxHeaders) {
		return ErrTooLarge
	}
	r.flight.id, r.flight.window = cn.nextID, cn.flow.initial
	cn.nextID += 2
	cn.streams[r.flight.id] = r
	block := cn.enc.encode(r)
	first := block[:min(len(block), cn.flow.maxFrame)]
	rest := block[len(first):]
	_ = cn.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: r.flight.id, BlockFragment: first, EndHeaders: len(rest) == 0, EndStream: len(r.Body) == 0,
	})
	for len(rest) > 0 {
		part := rest[:min(len(rest), cn.flow.maxFrame)]
		rest = rest[len(part):]
		_ = cn.framer.WriteContinuation(r.flight.id, len(rest) == 0, part)
	}
	return nil
}

// body sends as much of r's body as the windows allow.
func (cn *conn) body(r *Request) {
	for f := &r.flight; f.sent < len(r.Body); {
		n := min(len(r.Body)-f.sent, cn.flow.maxFrame, int(cn.flow.window), int(f.window))
		if n <= 0 {
			if r.in == nil {
				cn.stalled.pushBack(r)
			}
			return
		}
		_ = cn.framer.WriteData(f.id, f.sent+n == len(r.Body), r.Body[f.sent:f.sent+n])
		f.sent += n
		f.window -= int64(n)
		cn.flow.window -= int64(n)
	}
	r.flight.end = cn.out.end()
	r.leave()
}
