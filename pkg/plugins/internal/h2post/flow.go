package h2post

import (
	"math"

	"golang.org/x/net/http2"
)

const (
	maxFrame      = 16 << 10 // what HTTP/2 begins with
	defaultWindow = 1<<16 - 1
	maxWindow     = 1<<31 - 1
	// maxBody is as much of an answer's body as is kept. Answers have a few hundred
	// bytes.
	maxBody = 64 << 10
	// streamWindow is what the peer may send on a stream, padding included: a stream
	// never gets more, because it is reset at maxBody.
	streamWindow = 2 * maxBody
	// connWindow is what it may send on all of a connection's streams before it hears
	// of us.
	connWindow = 1 << 20
)

// flow is what each side may send at this moment.
type flow struct {
	streams    int   // open streams that the peer allows
	maxFrame   int   // bytes that it takes in a frame
	initial    int64 // of a stream's window
	window     int64 // the connection's
	maxHeaders uint32
	left       int64 // what the peer may still send
}

func (w *flow) init(streams int) {
	*w = flow{
		streams: streams, maxFrame: maxFrame, initial: defaultWindow, window: defaultWindow,
		maxHeaders: math.MaxUint32, left: connWindow,
	}
}

// settings takes what the peer allows, from now on and for open streams.
func (cn *conn) settings(f *http2.SettingsFrame) error {
	if err := f.ForeachSetting(cn.setting); err != nil {
		return err //nolint:wrapcheck // setting's own
	}
	_ = cn.framer.WriteSettingsAck()
	return cn.control()
}

func (cn *conn) setting(s http2.Setting) error {
	if err := s.Valid(); err != nil {
		return framing(err)
	}
	switch s.ID { //nolint:exhaustive // the others are the business of servers
	case http2.SettingEnablePush:
		if s.Val != 0 {
			return wrong(http2.ErrCodeProtocol, "the peer asks to be pushed to")
		}
	case http2.SettingHeaderTableSize:
		cn.enc.limit(s.Val)
	case http2.SettingMaxConcurrentStreams:
		cn.flow.streams = int(min(s.Val, math.MaxInt32))
		if cn.load() > cn.flow.streams {
			cn.unassign()
		}
	case http2.SettingMaxFrameSize:
		cn.flow.maxFrame = int(s.Val)
	case http2.SettingMaxHeaderListSize:
		cn.flow.maxHeaders = s.Val
	case http2.SettingInitialWindowSize:
		more := int64(s.Val) - cn.flow.initial
		cn.flow.initial = int64(s.Val)
		for _, r := range cn.streams {
			if r.flight.window += more; r.flight.window > maxWindow {
				return wrong(http2.ErrCodeFlowControl, "a stream's window is too large")
			}
		}
	}
	return nil
}

// widen takes a WINDOW_UPDATE.
func (cn *conn) widen(id uint32, n int64) error {
	if id != 0 {
		return cn.widenStream(id, n)
	}
	if n == 0 {
		return wrong(http2.ErrCodeProtocol, "WINDOW_UPDATE of 0")
	}
	if cn.flow.window += n; cn.flow.window > maxWindow {
		return wrong(http2.ErrCodeFlowControl, "a window is too large")
	}
	cn.goOn()
	return nil
}

// widenStream is widen for one stream, whose faults are its own.
func (cn *conn) widenStream(id uint32, n int64) error {
	r, err := cn.open(id)
	if r == nil {
		return err
	}
	r.flight.window += n
	switch {
	case n == 0:
		cn.giveUp(r, http2.ErrCodeProtocol)
	case r.flight.window > maxWindow:
		cn.giveUp(r, http2.ErrCodeFlowControl)
	default:
		cn.goOn()
	}
	return nil
}

// goOn has the writer send what has waited for a window.
func (cn *conn) goOn() {
	if cn.stalled.len+cn.assigned.len > 0 {
		cn.signal()
	}
}

// received counts bytes of DATA frames, and lets the peer send more.
func (cn *conn) received(n int64) error {
	if cn.flow.left -= n; cn.flow.left < connWindow/2 {
		_ = cn.framer.WriteWindowUpdate(0, uint32(connWindow-cn.flow.left)) //nolint:gosec // no frame has 2 GiB
		cn.flow.left = connWindow
		return cn.control()
	}
	return nil
}
