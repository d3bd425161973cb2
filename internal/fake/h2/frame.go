package h2

import (
	"math"

	"golang.org/x/net/http2"
)

// handle carries out one frame of the peer.
func (c *Conn) handle(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		return c.headers(f)
	case *http2.DataFrame:
		return c.data(f)
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.WindowUpdateFrame:
		return c.windowUpdate(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			c.mu.Lock()
			defer c.mu.Unlock()
			_ = c.write.WritePing(true, f.Data)
		}
	case *http2.RSTStreamFrame:
		return c.reset(f)
	case *http2.PushPromiseFrame:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return nil // PRIORITY, GOAWAY and unknown frames change nothing here
}

func (c *Conn) reset(f *http2.RSTStreamFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle(f.StreamID) {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	c.forget(c.streams[f.StreamID])
	return nil
}

// idle says whether the peer has not opened the stream yet. It runs under mu.
func (c *Conn) idle(id uint32) bool { return id > c.last && !c.leaving }

func (c *Conn) headers(f *http2.MetaHeadersFrame) error {
	s, err := c.open(f)
	if s == nil || err != nil {
		return err
	}
	if f.StreamEnded() {
		c.cfg.Handle(s)
	}
	return nil
}

// open makes the stream that f begins; nil when f is a trailer or not wanted.
func (c *Conn) open(f *http2.MetaHeadersFrame) (s *Stream, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := f.StreamID
	if s := c.streams[id]; s != nil && !s.complete {
		if !f.StreamEnded() {
			return nil, http2.ConnectionError(http2.ErrCodeProtocol)
		}
		s.complete = true
		return s, s.lengthFault()
	}
	if id%2 == 0 || id <= c.last {
		return nil, http2.ConnectionError(http2.ErrCodeProtocol)
	}
	if c.leaving {
		return nil, nil // beyond the GOAWAY: the peer knows that it was not processed
	}
	c.last = id
	switch {
	case f.Truncated:
		return nil, http2.StreamError{StreamID: id, Code: http2.ErrCodeEnhanceYourCalm}
	case malformed(f):
		return nil, http2.StreamError{StreamID: id, Code: http2.ErrCodeProtocol}
	}
	if len(c.streams) >= int(c.streamsMax) {
		return nil, http2.StreamError{StreamID: id, Code: http2.ErrCodeRefusedStream}
	}
	s = newStream(c, f)
	c.streams[id] = s
	if c.cfg.Opened != nil {
		c.cfg.Opened(len(c.streams))
	}
	if s.complete {
		err = s.lengthFault()
	}
	return s, err
}

// malformed checks what the framer leaves to the server (RFC 9113, 8.2 and 8.3).
func malformed(f *http2.MetaHeadersFrame) bool {
	if f.PseudoValue("method") == "" || f.PseudoValue("scheme") == "" || f.PseudoValue("path") == "" {
		return true
	}
	for _, field := range f.RegularFields() {
		switch field.Name {
		case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
			return true
		case "te":
			if field.Value != "trailers" {
				return true
			}
		}
	}
	return f.HasPriority() && f.Priority.StreamDep == f.StreamID
}

func (c *Conn) data(f *http2.DataFrame) error {
	s, err := c.receive(f)
	if s == nil || err != nil {
		return err
	}
	c.cfg.Handle(s)
	return nil
}

// receive adds f to its stream's body and returns the stream when the request is
// complete.
func (c *Conn) receive(f *http2.DataFrame) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread += f.Length
	if c.unread >= windowStep {
		_ = c.write.WriteWindowUpdate(0, c.unread)
		c.unread = 0
	}
	s := c.streams[f.StreamID]
	switch {
	case c.idle(f.StreamID):
		return nil, http2.ConnectionError(http2.ErrCodeProtocol)
	case s == nil:
		return nil, nil // of a stream that ended on our side meanwhile
	case s.complete:
		return nil, http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeStreamClosed}
	}
	if len(s.Body)+len(f.Data()) > c.cfg.MaxBody {
		return nil, http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeEnhanceYourCalm}
	}
	s.Body = append(s.Body, f.Data()...)
	if f.StreamEnded() {
		s.complete = true
		return s, s.lengthFault()
	}
	s.unread += f.Length
	if s.unread >= streamStep {
		_ = c.write.WriteWindowUpdate(f.StreamID, s.unread)
		s.unread = 0
	}
	return nil, nil
}

func (c *Conn) settings(f *http2.SettingsFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.IsAck() {
		c.streamsMax = c.announced
		return nil
	}
	err := f.ForeachSetting(func(s http2.Setting) error {
		if err := s.Valid(); err != nil {
			return err
		}
		switch s.ID { //nolint:exhaustive // the rest concerns what this server never sends
		case http2.SettingInitialWindowSize:
			return c.resize(int64(s.Val) - c.peerWindow)
		case http2.SettingMaxFrameSize:
			c.frameSize = int(min(s.Val, 64<<10))
		}
		return nil
	})
	if err != nil {
		return err
	}
	_ = c.write.WriteSettingsAck()
	c.pump()
	return nil
}

// resize applies a new initial window to the open streams (RFC 9113, 6.9.2).
func (c *Conn) resize(delta int64) error {
	c.peerWindow += delta
	for _, s := range c.streams {
		s.window += delta
		if s.window > math.MaxInt32 {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
	}
	return nil
}

func (c *Conn) windowUpdate(f *http2.WindowUpdateFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.StreamID == 0 {
		c.window += int64(f.Increment)
		if c.window > math.MaxInt32 {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		c.pump()
		return nil
	}
	s := c.streams[f.StreamID]
	if c.idle(f.StreamID) {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	if s == nil {
		return nil
	}
	s.window += int64(f.Increment)
	if s.window > math.MaxInt32 {
		return http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeFlowControl}
	}
	c.pump()
	return nil
}
