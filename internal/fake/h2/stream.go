package h2

import (
	"strconv"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Stream is one request and the place of its answer. Answer and Reset may be
// called from any goroutine; the first call wins, and after the peer gave up both
// do nothing.
type Stream struct {
	// ID is the stream's number on its connection.
	ID uint32
	// Method and Path are the pseudo header fields :method and :path.
	Method, Path string
	// Fields are the other header fields, names in lower case.
	Fields []hpack.HeaderField
	// Body is the whole request body. It is the handler's to keep.
	Body []byte

	conn     *Conn
	complete bool
	answered bool
	owed     int
	unread   uint32
	window   int64
	rest     []byte // of the answer, not sent yet
}

// Field is a header field of an answer; the name is in lower case.
type Field struct{ Name, Value string }

func newStream(c *Conn, f *http2.MetaHeadersFrame) *Stream {
	return &Stream{
		ID: f.StreamID, Method: f.PseudoValue("method"), Path: f.PseudoValue("path"), Fields: f.RegularFields(),
		conn: c, complete: f.StreamEnded(), window: c.peerWindow,
	}
}

// Header returns the value of the first field with this lower-case name, empty
// when there is none.
func (s *Stream) Header(name string) string {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return s.Fields[i].Value
		}
	}
	return ""
}

// lengthFault compares the body with what the request announced.
func (s *Stream) lengthFault() error {
	if length := s.Header("content-length"); length != "" && length != strconv.Itoa(len(s.Body)) {
		return http2.StreamError{StreamID: s.ID, Code: http2.ErrCodeProtocol}
	}
	return nil
}

// Conn returns the connection that carries the stream.
func (s *Stream) Conn() *Conn { return s.conn }

// Owe says that the answer tells of n things that have happened: when the connection
// ends before the answer was written, or the peer gives up, they are [Config.Lost].
func (s *Stream) Owe(n int) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.conn.streams[s.ID] != s {
		s.conn.lose(n)
		return
	}
	s.owed = n
}

// lose tells that n things cannot be told. It runs under mu.
func (c *Conn) lose(n int) {
	if n > 0 && c.cfg.Lost != nil {
		c.cfg.Lost(n)
	}
}

// written is called when all of an answer is in out. It runs under mu.
func (c *Conn) written(s *Stream) {
	c.owed += s.owed
	s.owed = 0
	c.forget(s)
}

// Answer queues a whole answer; [Conn.Flush] sends it. The body must not change
// afterwards.
func (s *Stream) Answer(status int, fields []Field, body []byte) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.answered {
		return
	}
	s.answered = true
	c.block = appendStatus(c.block[:0], status)
	for _, f := range fields {
		c.block = appendLiteral(c.block, f.Name, f.Value)
	}
	_ = c.write.WriteHeaders(http2.HeadersFrameParam{
		StreamID: s.ID, BlockFragment: c.block, EndHeaders: true, EndStream: len(body) == 0,
	})
	s.rest = body
	if len(body) == 0 {
		c.written(s)
		return
	}
	if !c.send(s) {
		c.blocked = append(c.blocked, s)
	}
}

// Reset queues RST_STREAM with the code; [Conn.Flush] sends it.
func (s *Stream) Reset(code http2.ErrCode) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.answered {
		return
	}
	_ = c.write.WriteRSTStream(s.ID, code)
	c.forget(s)
}

// send writes as much of s as the windows allow and says whether that was all.
// It runs under mu.
func (c *Conn) send(s *Stream) bool {
	for len(s.rest) > 0 {
		n := min(len(s.rest), c.frameSize, int(min(c.window, s.window)))
		if n <= 0 {
			return false
		}
		c.window -= int64(n)
		s.window -= int64(n)
		_ = c.write.WriteData(s.ID, n == len(s.rest), s.rest[:n])
		s.rest = s.rest[n:]
	}
	c.written(s)
	return true
}

// pump goes on with the answers that waited for a window. It runs under mu.
func (c *Conn) pump() {
	waiting := c.blocked
	c.blocked = nil
	for _, s := range waiting {
		if len(s.rest) > 0 && !c.send(s) {
			c.blocked = append(c.blocked, s)
		}
	}
}

// forget ends a stream, if it is open. It runs under mu.
func (c *Conn) forget(s *Stream) {
	if s == nil || c.streams[s.ID] != s {
		return
	}
	delete(c.streams, s.ID)
	s.answered, s.rest = true, nil
	c.lose(s.owed)
	if c.cfg.Closed != nil {
		c.cfg.Closed()
	}
	if c.leaving && len(c.streams) == 0 {
		c.finishing = true
	}
}

// appendStatus appends the field :status, by its place in the static table when
// it has one (RFC 7541, appendix A).
func appendStatus(b []byte, status int) []byte {
	switch status {
	case 200:
		return append(b, 0x88)
	case 400:
		return append(b, 0x8c)
	case 404:
		return append(b, 0x8d)
	case 500:
		return append(b, 0x8e)
	}
	// A literal whose name is entry 8, not to be indexed: our answers share no state.
	return appendString(append(b, 0x08), strconv.Itoa(status))
}

func appendLiteral(b []byte, name, value string) []byte {
	return appendString(appendString(append(b, 0x00), name), value)
}

// appendString appends a string without Huffman coding (RFC 7541, section 5.2).
func appendString(b []byte, s string) []byte {
	n := len(s)
	if n < 127 {
		return append(append(b, byte(n)), s...)
	}
	b = append(b, 127)
	for n -= 127; n >= 128; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), s...)
}
