// Package h2 is an HTTP/2 server connection (RFC 9113) that can misbehave on
// demand. The server of net/http answers politely and hides the stream; a fake
// provider has to refuse a stream with a chosen code, say GOAWAY in the middle
// of a burst, fall silent or cut the line, and must cost little while a worker
// is measured against it: one goroutine reads, one writes, and an answer that is
// known at once costs no goroutine at all.
//
// It refuses to know what a request means: a [Handler] gets every complete
// request and may answer now, later or never. What is lost at its border:
// trailers, priorities, server push, and request bodies beyond [Config.MaxBody].
// It trusts the peer to keep to the flow control that it announced.
package h2

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	windowStep     = 1 << 18 // bytes of DATA after which the connection's window is refilled
	streamStep     = 1 << 15 // the same for one stream
	firstWindow    = 65535   // RFC 9113, section 6.9.2
	writeTimeout   = 10 * time.Second
	lingerTimeout  = time.Second // for the peer to read a last GOAWAY before the socket goes
	maxHeaderBytes = 16 << 10
)

// Handler is given each complete request on the goroutine that reads the
// connection, so it must not block: it answers at once or keeps the stream for
// later.
type Handler func(*Stream)

// Config is what all connections of a server share.
type Config struct {
	// Handle receives the requests.
	Handle Handler
	// MaxStreams is announced as SETTINGS_MAX_CONCURRENT_STREAMS; a stream beyond
	// it is refused with REFUSED_STREAM.
	MaxStreams uint32
	// MaxBody is the largest request body in bytes; a larger one is reset with
	// ENHANCE_YOUR_CALM.
	MaxBody int
	// Opened is told how many streams are open on the connection each time one
	// opens, Closed each time one closes. Both are called with the connection
	// locked and must return at once.
	Opened func(open int)
	Closed func()
	// Lost is told of what is owed to the peer (see [Stream.Owe]) and cannot be told any
	// more. It is called as Opened is, and may be nil.
	Lost func(n int)
}

// Conn is one connection. Its methods may be called from any goroutine, from a
// Handler too.
type Conn struct {
	cfg    *Config
	nc     net.Conn
	read   *http2.Framer
	buffer *bufio.Reader
	unread uint32 // bytes of DATA since the connection's window was refilled
	wake   chan struct{}
	dead   chan struct{}
	still  atomic.Bool // frozen: neither reads nor writes any more

	mu         sync.Mutex
	write      *http2.Framer // appends to out
	out, spare []byte
	owed       int    // of the answers in out
	block      []byte // the header block being written
	streams    map[uint32]*Stream
	blocked    []*Stream // answers that wait for the peer's window
	last       uint32    // highest stream that the peer opened
	window     int64     // what the peer lets us send on the connection
	peerWindow int64     // and on a new stream
	frameSize  int
	streamsMax uint32 // how many may be open
	announced  uint32 // the same, once the peer acknowledges it
	leaving    bool   // GOAWAY was sent
	finishing  bool   // close once out is empty
	closed     bool
}

// New makes a connection of an accepted socket; buffered is the reader through
// which the socket is read from here on.
func New(nc net.Conn, buffered *bufio.Reader, cfg *Config) *Conn {
	c := &Conn{
		cfg: cfg, nc: nc, buffer: buffered,
		wake: make(chan struct{}, 1), dead: make(chan struct{}),
		streams: make(map[uint32]*Stream), window: firstWindow, peerWindow: firstWindow, frameSize: 16 << 10,
		streamsMax: cfg.MaxStreams, announced: cfg.MaxStreams,
	}
	c.read = http2.NewFramer(io.Discard, buffered)
	c.read.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.read.MaxHeaderListSize = maxHeaderBytes
	c.read.SetReuseFrames()
	c.read.SetMaxReadFrameSize(16 << 10) // we announce no other (RFC 9113, 6.5.2)
	c.write = http2.NewFramer((*appender)(c), nil)
	return c
}

// appender collects frames, under mu, for the goroutine that writes.
type appender Conn

func (a *appender) Write(p []byte) (int, error) {
	a.out = append(a.out, p...)
	return len(p), nil
}

// Serve reads and answers until the connection ends, and returns when all of it
// has: nil after the peer went or was asked to go, else what went wrong.
func (c *Conn) Serve() error {
	var writer sync.WaitGroup
	writer.Go(c.writeLoop)
	err := c.serve()
	c.end()
	writer.Wait()
	return err
}

func (c *Conn) serve() error {
	if err := c.greet(); err != nil {
		return err
	}
	for {
		frame, err := c.read.ReadFrame()
		if c.still.Load() {
			<-c.dead
			return nil
		}
		if err == nil {
			err = c.handle(frame)
		}
		if err != nil && !c.survive(err) {
			return ended(err)
		}
		if c.buffer.Buffered() == 0 {
			c.Flush()
		}
	}
}

// greet reads the preface and sends ours.
func (c *Conn) greet() error {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c.buffer, preface); err != nil {
		return fmt.Errorf("read the client preface: %w", err)
	}
	if string(preface) != http2.ClientPreface {
		return errors.New("read the client preface: the client does not speak HTTP/2; offer it HTTP/1.1 instead")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.write.WriteSettings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: c.cfg.MaxStreams},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: maxHeaderBytes})
	_ = c.write.WriteWindowUpdate(0, 4*windowStep)
	return nil
}

// SetStreams announces how many streams may be open from now on; [Conn.Flush] sends it.
// A lower number is held against the peer once it has acknowledged it.
func (c *Conn) SetStreams(n uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == c.announced {
		return
	}
	c.announced = n
	c.streamsMax = max(c.streamsMax, n)
	_ = c.write.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: n})
}

// survive answers a fault of one stream with RST_STREAM and says whether the
// connection goes on; a fault of the connection is told to the peer.
func (c *Conn) survive(err error) bool {
	if fault, ok := errors.AsType[http2.StreamError](err); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.last = max(c.last, fault.StreamID)
		_ = c.write.WriteRSTStream(fault.StreamID, fault.Code)
		c.forget(c.streams[fault.StreamID])
		return true
	}
	if errors.Is(err, http2.ErrFrameTooLarge) {
		err = http2.ConnectionError(http2.ErrCodeFrameSize)
	}
	if fault, ok := errors.AsType[http2.ConnectionError](err); ok {
		c.mu.Lock()
		_ = c.write.WriteGoAway(c.last, http2.ErrCode(fault), nil)
		c.finishing = true
		c.mu.Unlock()
		c.Flush()
		c.drain()
	}
	return false
}

// drain reads what still comes, so that closing the socket does not throw away
// what the peer has not read yet.
func (c *Conn) drain() {
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTimeout))
	_, _ = io.Copy(io.Discard, c.buffer)
}

// ended turns the ordinary ends of a connection into nil.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return nil
	}
	return fmt.Errorf("read a frame: %w", err)
}

// end closes the socket and every stream, once.
func (c *Conn) end() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.dead)
		for _, s := range c.streams {
			c.forget(s)
		}
		c.lose(c.owed)
		c.owed = 0
	}
	c.mu.Unlock()
	_ = c.nc.Close()
}
