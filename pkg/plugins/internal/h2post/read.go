package h2post

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// reading is what the one reader uses alone.
type reading struct {
	source  *bufio.Reader
	framer  *http2.Framer
	decoder *hpack.Decoder
	block   []byte // of a header that comes in several frames
	stream  uint32 // whose block it is
	ends    bool   // the stream ends with it
	header  header
}

// read is the one reader; it returns when the connection has ended.
func (cn *conn) read() {
	var err error
	for err == nil {
		err = cn.frame()
	}
	cn.client.mu.Lock()
	var bad *protocolError
	if !cn.leaving && errors.As(err, &bad) {
		_ = cn.framer.WriteGoAway(0, bad.code, []byte(bad.what))
		_ = cn.raw.SetWriteDeadline(time.Now().Add(linger))
	} else if !cn.leaving {
		_ = cn.raw.Close()
	}
	cn.finish(err)
	cn.client.unlock()
}

// frame reads one frame and does what it says. Those that come with every answer
// are read without allocating.
func (cn *conn) frame() error {
	h, err := cn.in.framer.ReadFrameHeader()
	if err != nil {
		return framing(err)
	}
	switch h.Type { //nolint:exhaustive // the others are read by the Framer
	case http2.FrameHeaders, http2.FrameContinuation, http2.FrameWindowUpdate:
		p, err := cn.in.source.Peek(int(h.Length))
		if err != nil {
			return err //nolint:wrapcheck // finish says what it means
		}
		if err = cn.payload(h, p); err != nil {
			return err
		}
		_, err = cn.in.source.Discard(int(h.Length))
		return err //nolint:wrapcheck // finish says what it means
	}
	f, err := cn.in.framer.ReadFrameForHeader(h)
	if err != nil {
		return framing(err)
	}
	cn.client.mu.Lock()
	defer cn.client.unlock()
	return cn.take(f)
}

// framing makes one kind of error of what the Framer finds wrong.
func framing(err error) error {
	if code, ok := errors.AsType[http2.ConnectionError](err); ok {
		return wrong(http2.ErrCode(code), "a frame is malformed")
	} else if stream, ok := errors.AsType[http2.StreamError](err); ok {
		return wrong(stream.Code, "a frame is malformed")
	} else if errors.Is(err, http2.ErrFrameTooLarge) {
		return wrong(http2.ErrCodeFrameSize, "a frame is too large")
	}
	return err
}

func (cn *conn) payload(h http2.FrameHeader, p []byte) error {
	if h.Type != http2.FrameWindowUpdate {
		return cn.fragment(h, p)
	}
	if len(p) != 4 {
		return wrong(http2.ErrCodeFrameSize, "WINDOW_UPDATE")
	}
	cn.client.mu.Lock()
	defer cn.client.unlock()
	if err := cn.worthless(); err != nil {
		return err
	}
	return cn.widen(h.StreamID, int64(binary.BigEndian.Uint32(p)&lastStream))
}

// take does what a frame says.
func (cn *conn) take(f http2.Frame) error {
	if f, ok := f.(*http2.DataFrame); ok {
		return cn.data(f)
	}
	if err := cn.worthless(); err != nil {
		return err
	}
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return nil
		}
		return cn.settings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			_ = cn.framer.WritePing(true, f.Data)
			return cn.control()
		}
	case *http2.RSTStreamFrame:
		return cn.resetBy(f)
	case *http2.GoAwayFrame:
		cn.goAway(f)
	case *http2.PushPromiseFrame:
		return wrong(http2.ErrCodeProtocol, "PUSH_PROMISE")
	}
	return nil
}

// data takes a part of an answer's body.
func (cn *conn) data(f *http2.DataFrame) error {
	n := int64(f.Length)
	if err := cn.received(n); err != nil {
		return err
	}
	r, err := cn.open(f.StreamID)
	if r == nil || len(f.Data()) == 0 {
		if bad := cn.worthless(); bad != nil {
			return bad
		}
	}
	if r == nil {
		return cn.late(f.StreamID, err)
	}
	r.flight.received += n
	switch room := maxBody - len(r.answer.Body); {
	case r.answer.Status == 0:
		cn.malformed(r)
	case r.flight.received > streamWindow:
		return wrong(http2.ErrCodeFlowControl, "more DATA than a stream may have")
	case len(f.Data()) > room:
		r.answer.Body = append(r.answer.Body, f.Data()[:room]...)
		cn.reset(f.StreamID, http2.ErrCodeCancel)
		cn.answer(r)
	default:
		r.answer.Body = append(r.answer.Body, f.Data()...)
		if f.StreamEnded() {
			cn.complete(r)
		}
	}
	return nil
}

// complete takes the end of an answer.
func (cn *conn) complete(r *Request) {
	if n := r.flight.length; n >= 0 && n != int64(len(r.answer.Body)) {
		cn.malformed(r)
		return
	}
	if r.flight.sent < len(r.Body) { // the peer did not want all of it
		cn.reset(r.flight.id, http2.ErrCodeCancel)
	}
	cn.answer(r)
}

func (cn *conn) answer(r *Request) {
	cn.answered = true
	cn.client.answers++
	cn.primed = cn.primed || r.answer.Status/100 == 2
	cn.flood.forgive()
	cn.client.end(r, Answered, nil)
}

// malformed gives up a stream whose answer cannot be understood.
func (cn *conn) malformed(r *Request) { cn.giveUp(r, http2.ErrCodeProtocol) }

// giveUp gives up a stream that the peer has spoilt. It has processed it, perhaps.
func (cn *conn) giveUp(r *Request, code http2.ErrCode) {
	cn.reset(r.flight.id, code)
	cn.client.end(r, InDoubt, errMalformed)
}

// open finds the request of a stream; nil if the stream is closed.
func (cn *conn) open(id uint32) (*Request, error) {
	if id%2 == 0 || id >= cn.nextID {
		return nil, wrong(http2.ErrCodeProtocol, "a frame for a stream that was never opened")
	}
	return cn.streams[id], nil
}

// late takes HEADERS or DATA of a stream that is closed, or err. They may have been on
// their way when we reset it; else the peer is told that there is no such stream.
func (cn *conn) late(id uint32, err error) error {
	if err != nil || slices.Contains(cn.resets, id) {
		return err
	}
	cn.reset(id, http2.ErrCodeStreamClosed)
	return cn.control()
}

// resetBy takes the peer's word that it will not answer.
func (cn *conn) resetBy(f *http2.RSTStreamFrame) error {
	r, err := cn.open(f.StreamID)
	switch why := (&ResetError{uint32(f.ErrCode)}); {
	case r == nil:
		return err
	case f.ErrCode == http2.ErrCodeRefusedStream:
		cn.client.again(r, why)
	default:
		cn.client.end(r, InDoubt, why)
	}
	return nil
}

// goAway takes the peer's word that it will look at no stream after the last that it
// names. It may come again with a lower one.
func (cn *conn) goAway(f *http2.GoAwayFrame) {
	cn.lastID = min(cn.lastID, f.LastStreamID)
	said := reasonIn(f.DebugData())
	if (f.ErrCode != http2.ErrCodeNo || said != "") && cn.why == nil {
		cn.why = &goAwayError{f.ErrCode, said}
	}
	unprocessed := errGoAway
	if said != "" {
		unprocessed = fmt.Errorf("%w: %s", errGoAway, said)
	}
	away := cn.turnsAway()
	cn.drain()
	if away {
		cn.client.noConnection(unprocessed, redial)
	}
	for id, r := range cn.streams {
		switch {
		case id <= cn.lastID:
		case cn.answered:
			cn.client.requeue(r, unprocessed)
		default:
			cn.client.again(r, unprocessed)
		}
	}
}
