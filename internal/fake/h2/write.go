package h2

import (
	"crypto/tls"
	"net"
	"time"

	"golang.org/x/net/http2"
)

// Flush lets the queued frames go. The reading goroutine calls it whenever it
// has nothing more to read, so a Handler that answers at once need not: the
// answers to a burst leave together.
func (c *Conn) Flush() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// writeLoop sends what is queued until the connection is dead.
func (c *Conn) writeLoop() {
	for {
		select {
		case <-c.wake:
		case <-c.dead:
			return
		}
		if !c.writeAll() {
			c.end()
			return
		}
	}
}

// writeAll sends until nothing is queued; false when the peer can't be reached.
func (c *Conn) writeAll() bool {
	for {
		c.mu.Lock()
		batch, owed, finishing := c.out, c.owed, c.finishing
		c.out, c.spare, c.owed = c.spare[:0], nil, 0
		c.mu.Unlock()
		if len(batch) == 0 {
			c.recycle(batch)
			if finishing {
				c.halfClose()
			}
			return true
		}
		told, alive := c.put(batch)
		if !told {
			c.mu.Lock()
			c.lose(owed)
			c.mu.Unlock()
		}
		if !alive {
			return false
		}
		c.recycle(batch)
	}
}

// put writes a batch, unless the connection is frozen.
func (c *Conn) put(batch []byte) (told, alive bool) {
	if c.still.Load() {
		return false, true
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := c.nc.Write(batch)
	return err == nil, err == nil
}

func (c *Conn) recycle(batch []byte) {
	const keep = 1 << 20 // a buffer that one huge answer blew up is not kept
	if cap(batch) > keep {
		batch = nil
	}
	c.mu.Lock()
	c.spare = batch
	c.mu.Unlock()
}

// halfClose says that nothing more comes and gives the peer a second to read it.
func (c *Conn) halfClose() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTimeout))
}

// GoAway announces the end: requests received so far are answered, later ones
// are ignored, and the connection closes after the last answer. debug is what it says
// about it.
func (c *Conn) GoAway(debug string) {
	c.mu.Lock()
	if !c.leaving && !c.closed {
		c.leaving = true
		_ = c.write.WriteGoAway(c.last, http2.ErrCodeNo, []byte(debug))
		c.finishing = len(c.streams) == 0
	}
	c.mu.Unlock()
	c.Flush()
}

// Close ends the connection at once, with the good manners of TCP and TLS:
// queued answers are lost, but the peer reads an end of file.
func (c *Conn) Close() { c.end() }

// Abort cuts the line: the peer sees a connection reset.
func (c *Conn) Abort() {
	raw := c.nc
	if secured, ok := raw.(*tls.Conn); ok {
		raw = secured.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
	c.end()
}

// Freeze makes the connection half-open, as a peer behind a dead router looks:
// nothing is read, nothing is answered, not even a ping, and no end is seen until
// Close or Abort.
func (c *Conn) Freeze() { c.still.Store(true) }
