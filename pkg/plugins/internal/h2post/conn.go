package h2post

import (
	"bufio"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const lastStream = 1<<31 - 1

// conn is one connection. What is not its reader's is guarded by its client's mutex.
type conn struct {
	client *Client
	raw    *ear
	net    net.Conn // raw, or TLS over it
	wake   chan struct{}

	out    outbox
	framer *http2.Framer // writes to out
	enc    encoder

	assigned list // have no stream yet
	streams  map[uint32]*Request
	stalled  list // of streams: the rest of their bodies waits for a window
	resets   []uint32
	nextID   uint32
	flow     flow
	flood    flood

	draining bool      // takes no new requests
	leaving  bool      // says GOAWAY and closes
	over     bool      // the reader has ended
	why      error     // the first reason for its end
	lastID   uint32    // the last stream that the peer will look at
	answered bool      // has answered a request
	primed   bool      // has answered one with success
	head     *Head     // of the last request
	pinged   time.Time // when a PING was sent that has not been answered
	silent   bool      // it may be dead: other connections are better
	idle     time.Time // since when there is no request
	made     uint64    // after how many answers on all connections

	in reading
}

// ear notes when something was heard of the peer.
type ear struct {
	net.Conn
	heard atomic.Int64
}

func (e *ear) Read(p []byte) (int, error) {
	n, err := e.Conn.Read(p)
	if n > 0 {
		e.heard.Store(time.Now().UnixNano())
	}
	return n, err //nolint:wrapcheck // a Conn passes errors on
}

// last is when something was heard last.
func (e *ear) last() time.Time { return time.Unix(0, e.heard.Load()) }

func newConn(c *Client, raw net.Conn) *conn {
	cn := &conn{
		client: c, raw: &ear{Conn: raw}, wake: make(chan struct{}, 1),
		streams: make(map[uint32]*Request), nextID: 1, lastID: lastStream, idle: time.Now(),
	}
	cn.net = cn.raw
	cn.flow.init(c.o.StreamsPerConn)
	cn.framer = http2.NewFramer(&cn.out, nil)
	cn.enc.init(c.o.TLS != nil, c.o.Authority)
	cn.in.source = bufio.NewReaderSize(netReader{cn}, 32<<10)
	cn.in.framer = http2.NewFramer(nil, cn.in.source)
	cn.in.framer.SetMaxReadFrameSize(maxFrame)
	cn.in.framer.SetReuseFrames()
	cn.in.decoder = hpack.NewDecoder(headerTable, cn.in.field)
	cn.in.decoder.SetMaxStringLength(maxHeaders)
	return cn
}

// netReader reads from a connection that may still become TLS.
type netReader struct{ cn *conn }

func (r netReader) Read(p []byte) (int, error) { return r.cn.net.Read(p) } //nolint:wrapcheck // a Reader passes errors on

// preface says who we are, and waits for the peer's settings.
func (cn *conn) preface() error {
	cn.out.buf = append(cn.out.buf, http2.ClientPreface...)
	_ = cn.framer.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: maxHeaders},
	)
	_ = cn.framer.WriteWindowUpdate(0, connWindow-defaultWindow)
	if _, err := cn.net.Write(cn.out.take()); err != nil {
		return err //nolint:wrapcheck // dial says what was done
	}
	f, err := cn.in.framer.ReadFrame()
	if err != nil {
		return err //nolint:wrapcheck // dial says what was done
	}
	settings, ok := f.(*http2.SettingsFrame)
	if !ok || settings.IsAck() {
		return wrong(http2.ErrCodeProtocol, "the first frame is not SETTINGS")
	}
	return cn.settings(settings)
}

func (cn *conn) load() int { return cn.assigned.len + len(cn.streams) }

// hasRoom reports whether the connection takes one more request.
func (cn *conn) hasRoom() bool {
	most := min(cn.flow.streams, cn.client.o.StreamsPerConn)
	if cn.client.o.Prime && !cn.primed {
		most = min(most, 1)
	}
	return !cn.draining && !cn.out.stuck && cn.load() < most
}

// adopt decides with which head r is sent; false if that is not to be on this
// connection.
func (cn *conn) adopt(r *Request) bool {
	head := r.Head
	if move := cn.client.o.Move; move != nil && cn.head != nil && cn.head != head {
		head = move(cn.head, head)
	}
	if head == nil {
		return false
	}
	cn.head, r.answer.Head, r.answer.conn = head, head, cn
	return true
}

func (cn *conn) assign(r *Request) {
	r.conn = cn
	cn.assigned.pushBack(r)
	cn.client.open++
	cn.signal()
}

// signal has the writer look for work.
func (cn *conn) signal() {
	select {
	case cn.wake <- struct{}{}:
	default:
	}
}

// forget lets go of r, which is in no list any more.
func (cn *conn) forget(r *Request) {
	r.conn = nil
	cn.client.open--
	if r.flight.id != 0 {
		delete(cn.streams, r.flight.id)
	}
	if cn.load() == 0 {
		cn.idle = time.Now()
		if cn.draining {
			cn.leave()
		}
	} else if cn.assigned.len > 0 {
		cn.signal() // there is room for a stream
	}
}

// abandon completes r, whose stream is open, and tells the peer.
func (cn *conn) abandon(r *Request, o Outcome, err error) {
	cn.reset(r.flight.id, http2.ErrCodeCancel)
	if !cn.whole(r) {
		o = Unprocessed
	}
	cn.client.end(r, o, err)
}

// keptResets is how many of the streams that were reset are known.
const keptResets = 256

func (cn *conn) reset(id uint32, code http2.ErrCode) {
	_ = cn.framer.WriteRSTStream(id, code)
	if len(cn.resets) == keptResets {
		cn.resets = slices.Delete(cn.resets, 0, 1)
	}
	cn.resets = append(cn.resets, id)
	cn.signal()
}

// drain has the connection take no more requests, and end with those that are open.
func (cn *conn) drain() {
	cn.draining = true
	cn.unassign()
	if cn.load() == 0 {
		cn.leave()
	}
}

// unassign lets requests that have no stream yet wait for another connection.
func (cn *conn) unassign() {
	for r := cn.assigned.last; r != nil; r = cn.assigned.last {
		r.leave()
		r.conn = nil
		cn.client.open--
		cn.client.queue.pushFront(r)
	}
}

// leave says good-bye; the writer closes when it has said so.
func (cn *conn) leave() {
	if !cn.leaving && !cn.over {
		cn.leaving = true
		_ = cn.framer.WriteGoAway(0, http2.ErrCodeNo, nil)
		cn.signal()
	}
}

// kill ends the connection at once.
func (cn *conn) kill(why error) {
	if cn.why == nil {
		cn.why = why
	}
	cn.draining = true
	cn.unassign()
	_ = cn.raw.Close()
}

// finish completes all requests when the reader has ended.
func (cn *conn) finish(err error) {
	c := cn.client
	cn.over, cn.draining = true, true
	if cn.why == nil {
		cn.why = err
	}
	c.conns = slices.DeleteFunc(c.conns, func(other *conn) bool { return other == cn })
	cn.unassign()
	for id, r := range cn.streams {
		if id > cn.lastID || !cn.whole(r) {
			c.again(r, lost(cn.why))
			continue
		}
		c.beware(time.Now())
		c.end(r, InDoubt, lost(cn.why))
	}
	cn.signal()
	if !cn.leaving {
		cn.failed()
	}
}

// whole reports whether all of r was given to the socket. Nobody takes a request of which
// a part is missing: it is malformed (RFC 9113, section 8.1.1).
func (cn *conn) whole(r *Request) bool {
	return r.flight.sent == len(r.Body) && r.flight.end <= cn.out.handed
}
