package h2post_test

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// raw writes a frame of any kind.
func (p *peer) raw(kind http2.FrameType, flags http2.Flags, id uint32, payload string) {
	_ = p.WriteRawFrame(kind, flags, id, []byte(payload)) // a peer that is cut off cannot write
}

// TestWrongFrames: a peer that breaks the rules of HTTP/2 is told so and cut off, and the
// request that was open is in doubt.
func TestWrongFrames(t *testing.T) {
	t.Parallel()
	const ends, padded = http2.FlagHeadersEndHeaders, http2.FlagHeadersPadded
	repeat := func(p *peer, n int, kind http2.FrameType, flags http2.Flags, id uint32, payload string) {
		for range n {
			p.raw(kind, flags, id, payload)
		}
	}
	for name, c := range map[string]struct {
		code http2.ErrCode
		do   func(p *peer)
	}{
		"a stream never opened":       {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameHeaders, ends, 3, "\x88") }},
		"a stream of the peer's":      {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameData, 0, 2, "") }},
		"HEADERS without a stream":    {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameHeaders, ends, 0, "\x88") }},
		"HEADERS of padding":          {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameHeaders, ends|padded, 1, "\x09\x88") }},
		"HEADERS without padding":     {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameHeaders, ends|padded, 1, "") }},
		"DATA of padding":             {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameData, padded, 1, "\x09") }},
		"half a header":               {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameHeaders, 0, 1, "\x88"); p.raw(http2.FramePing, 0, 0, "12345678") }},
		"CONTINUATION alone":          {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameContinuation, ends, 1, "\x88") }},
		"CONTINUATION of another":     {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameHeaders, 0, 1, "\x88"); p.raw(http2.FrameContinuation, ends, 3, "") }},
		"a block that breaks off":     {http2.ErrCodeCompression, func(p *peer) { p.raw(http2.FrameHeaders, ends, 1, "\x88\x40\x09a") }},
		"a field of no table":         {http2.ErrCodeCompression, func(p *peer) { p.raw(http2.FrameHeaders, ends, 1, "\xfe") }},
		"a table larger than we keep": {http2.ErrCodeCompression, func(p *peer) { p.raw(http2.FrameHeaders, ends, 1, "\x3f\xe2\x1f\x88") }},
		"a frame too large":           {http2.ErrCodeFrameSize, func(p *peer) { p.raw(http2.FrameData, 0, 1, strings.Repeat("x", 16385)) }},
		"PUSH_PROMISE":                {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FramePushPromise, ends, 1, "\x00\x00\x00\x02") }},
		"WINDOW_UPDATE of 0":          {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00") }},
		"WINDOW_UPDATE of 3 bytes":    {http2.ErrCodeFrameSize, func(p *peer) { p.raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x01") }},
		"too wide a window":           {http2.ErrCodeFlowControl, func(p *peer) { p.raw(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff") }},
		"too wide a window by settings": {http2.ErrCodeFlowControl, func(p *peer) {
			p.raw(http2.FrameWindowUpdate, 0, 1, "\x7f\xff\x00\x00")
			p.do(p.WriteSettings(window(1 << 20)))
		}},
		"SETTINGS that cannot be":     {http2.ErrCodeFlowControl, func(p *peer) { p.raw(http2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00") }},
		"a frame size that cannot be": {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x00\x01") }},
		"SETTINGS of a stream":        {http2.ErrCodeProtocol, func(p *peer) { p.raw(http2.FrameSettings, 0, 1, "") }},
		"PING of 7 bytes":             {http2.ErrCodeFrameSize, func(p *peer) { p.raw(http2.FramePing, 0, 0, "1234567") }},
		"padding beyond the window": {http2.ErrCodeFlowControl, func(p *peer) {
			p.headers(1, false, ":status= 200")
			repeat(p, 600, http2.FrameData, padded, 1, "\xff"+strings.Repeat("\x00", 255))
		}},
		"too long a header": {http2.ErrCodeEnhanceYourCalm, func(p *peer) {
			p.raw(http2.FrameHeaders, 0, 1, "\x88")
			repeat(p, 20, http2.FrameContinuation, 0, 1, strings.Repeat("\x88", 1000))
		}},
		"a flood of CONTINUATION": {http2.ErrCodeEnhanceYourCalm, func(p *peer) {
			p.raw(http2.FrameHeaders, 0, 1, "\x88")
			repeat(p, 2000, http2.FrameContinuation, 0, 1, "")
		}},
		"a flood of PING":          {http2.ErrCodeEnhanceYourCalm, func(p *peer) { repeat(p, 2000, http2.FramePing, 0, 0, "12345678") }},
		"a flood of SETTINGS":      {http2.ErrCodeEnhanceYourCalm, func(p *peer) { repeat(p, 2000, http2.FrameSettings, 0, 0, "") }},
		"a flood of empty DATA":    {http2.ErrCodeEnhanceYourCalm, func(p *peer) { p.headers(1, false, ":status= 200"); repeat(p, 2000, http2.FrameData, 0, 1, "") }},
		"a flood of WINDOW_UPDATE": {http2.ErrCodeEnhanceYourCalm, func(p *peer) { repeat(p, 2000, http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x01") }},
		"a flood of 1xx":           {http2.ErrCodeEnhanceYourCalm, func(p *peer) { repeat(p, 2000, http2.FrameHeaders, ends, 1, "\x08\x03103") }},
		"a flood of GOAWAY":        {http2.ErrCodeEnhanceYourCalm, func(p *peer) { repeat(p, 2000, http2.FrameGoAway, 0, 0, "\x00\x00\x00\x01\x00\x00\x00\x00") }},
		"a flood of the unknown":   {http2.ErrCodeEnhanceYourCalm, func(p *peer) { repeat(p, 2000, 0x99, 0, 0, "") }},
		"a flood to closed streams": {http2.ErrCodeEnhanceYourCalm, func(p *peer) {
			p.raw(http2.FrameRSTStream, 0, 1, "\x00\x00\x00\x02")
			repeat(p, 2000, http2.FrameRSTStream, 0, 1, "\x00\x00\x00\x02")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{}, func(s *script) {
				r := s.post("")
				p := s.ready()
				p.expect("HEADERS 1 /send END")
				c.do(p)
				synctest.Wait()
				r.mu.Lock()
				if len(r.got) != 1 || r.got[0].Outcome != inDoubt {
					t.Errorf("completed as %+v", r.got)
				}
				r.mu.Unlock()
				p.mu.Lock()
				defer p.mu.Unlock()
				if n := len(p.seen); n < 2 || p.seen[n-2] != "GOAWAY "+c.code.String() || p.seen[n-1] != "closed" {
					t.Errorf("the last frames are %q; want GOAWAY %v", p.seen[max(n-3, 0):], c.code)
				}
			})
		})
	}
}

// TestHeaders: what may come in the headers of an answer, and what makes it one that
// cannot be understood; the connection stays.
func TestHeaders(t *testing.T) {
	t.Parallel()
	const bad = 0
	for name, c := range map[string]struct {
		status int
		do     func(p *peer)
	}{
		"interim": {200, func(p *peer) {
			p.headers(1, false, ":status= 103", "link= x")
			p.headers(1, false, ":status= 100")
			p.headers(1, true, ":status= 200")
		}},
		"trailers": {200, func(p *peer) {
			p.headers(1, false, ":status= 200")
			p.do(p.WriteData(1, false, nil))
			p.headers(1, true, "grpc-status= 0")
		}},
		"padded, with priority": {200, func(p *peer) {
			p.raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersPadded|http2.FlagHeadersPriority, 1, "\x02\x00\x00\x00\x00\x10\x88\x00\x00")
			p.do(p.WriteDataPadded(1, true, nil, make([]byte, 200)))
		}},
		"in three frames": {200, func(p *peer) {
			b := p.block(":status= 200", "server= somebody", "x-long= "+strings.Repeat("x", 5000))
			p.do(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:1], EndStream: true}))
			p.do(p.WriteContinuation(1, false, b[1:9]))
			p.do(p.WriteContinuation(1, true, b[9:]))
		}},
		"no status":             {bad, func(p *peer) { p.headers(1, true, "server= x") }},
		"two statuses":          {bad, func(p *peer) { p.headers(1, true, ":status= 200", ":status= 200") }},
		"000, and a status":     {bad, func(p *peer) { p.headers(1, true, ":status= 000", ":status= 304") }},
		"a status of 2 digits":  {bad, func(p *peer) { p.headers(1, true, ":status= 20") }},
		"a status of no digits": {bad, func(p *peer) { p.headers(1, true, ":status= abc") }},
		"101":                   {bad, func(p *peer) { p.headers(1, false, ":status= 101") }},
		"interim, and no more":  {bad, func(p *peer) { p.headers(1, true, ":status= 103") }},
		"a request's field":     {bad, func(p *peer) { p.headers(1, true, ":status= 200", ":path= /") }},
		"the status at the end": {bad, func(p *peer) { p.headers(1, true, "server= x", ":status= 200") }},
		"upper case":            {bad, func(p *peer) { p.headers(1, true, ":status= 200", "Server= x") }},
		"a line break":          {bad, func(p *peer) { p.headers(1, true, ":status= 200", "server= x\r\ny") }},
		"too many fields":       {bad, func(p *peer) { p.headers(1, true, append([]string{":status= 200"}, tooMany()...)...) }},
		"a length that is none": {bad, func(p *peer) { p.headers(1, true, ":status= 200", "content-length= -1") }},
		"a length not kept": {bad, func(p *peer) {
			p.headers(1, false, ":status= 200", "content-length= 5")
			p.do(p.WriteData(1, true, nil))
		}},
		"DATA without headers": {bad, func(p *peer) { p.do(p.WriteData(1, true, []byte("x"))) }},
		"trailers without end": {bad, func(p *peer) { p.headers(1, false, ":status= 200"); p.headers(1, false, "x= y") }},
		"000 after the status": {bad, func(p *peer) { p.headers(1, false, ":status= 200"); p.headers(1, true, ":status= 000") }},
		"two lengths, of which one is kept": {bad, func(p *peer) {
			p.headers(1, false, ":status= 200", "content-length= 5", "content-length= 0")
			p.do(p.WriteData(1, true, nil))
		}},
		"a second status": {bad, func(p *peer) { p.headers(1, false, ":status= 200"); p.headers(1, true, ":status= 200") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{}, func(s *script) {
				r := s.post("")
				p := s.ready()
				p.expect("HEADERS 1 /send END")
				c.do(p)
				if c.status == bad {
					r.want(inDoubt, 0, "", nil)
					p.expect("RST_STREAM 1 PROTOCOL_ERROR")
				} else {
					r.want(answered, c.status, "", nil)
				}
				r = s.post("") // the tables of fields are still the same
				p.expect("HEADERS 3 /send END")
				p.headers(3, false, ":status= 200", "server= x")
				p.do(p.WriteData(3, true, []byte("y")))
				r.want(answered, 200, "y", nil)
			})
		})
	}
}

func tooMany() (fields []string) {
	for range 100 {
		fields = append(fields, "x-same= "+strings.Repeat("x", 200))
	}
	return fields
}

func TestHeadersOfRequests(t *testing.T) {
	t.Parallel()
	t.Run("in CONTINUATION", func(t *testing.T) {
		t.Parallel()
		play(t, h2post.Options{}, func(s *script) {
			s.head = h2post.NewHead("/send", h2post.Field{Name: "authorization", Value: strings.Repeat("\x7f~", 15_000)})
			r := s.post("")
			p := s.ready()
			p.expect("HEADERS 1 /send END", "CONTINUATION 1")
			p.answer(1, "")
			r.want(answered, 200, "", nil)
		})
	})
	t.Run("the table shrinks to nothing", func(t *testing.T) {
		t.Parallel()
		play(t, h2post.Options{}, func(s *script) {
			for range 5 {
				s.post("")
			}
			p := s.ready(streams(3))
			p.expect("HEADERS 1 /send END", "HEADERS 3 /send END", "HEADERS 5 /send END")
			p.do(p.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0}, streams(5)))
			synctest.Wait()
			p.dec.SetAllowedMaxDynamicTableSize(0)
			p.expect("HEADERS 7 /send END", "HEADERS 9 /send END")
		})
	})
	t.Run("larger than the peer takes", func(t *testing.T) {
		t.Parallel()
		play(t, h2post.Options{Repeats: 2}, func(s *script) {
			r := s.post("")
			p := s.ready(http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 200})
			p.expect()
			r.want(unprocessed, 0, "", nil)
		})
	})
	t.Run("what a device brings", func(t *testing.T) {
		t.Parallel()
		play(t, h2post.Options{}, func(s *script) {
			for _, path := range []string{"/a b", "/\r\n", "/ü", "/\x00"} {
				r := &posting{s: s}
				r.Head, r.Path = s.head, path
				if got := post(s.client, &r.Request); got.Outcome != unprocessed {
					t.Errorf("%q: %+v", path, got)
				}
			}
			s.noConnection()
		})
	})
}

// TestFirstFrame: what does not begin with SETTINGS is no peer.
func TestFirstFrame(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{}, func(s *script) {
		r := s.post("")
		p := s.accept()
		p.do(p.WritePing(false, [8]byte{}))
		r.want(unprocessed, 0, "", nil)
		r = s.post("")
		s.accept()
		time.Sleep(6 * time.Second) // and says nothing
		r.want(unprocessed, 0, "", nil)
	})
}

// TestHalfOpen: a peer that is gone without a word is found by PING, within 1 s + 3 s
// of silence; one that says anything lives.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{}, func(s *script) {
		r := s.post("", time.Minute)
		p := s.ready()
		time.Sleep(10 * time.Second)
		r.want(inDoubt, 0, "", h2post.ErrLost)
		if r.took < 4*time.Second || r.took > 4500*time.Millisecond {
			t.Errorf("found after %v", r.took)
		}
		p.expect("HEADERS 1 /send END", "PING", "closed")
	})
	play(t, h2post.Options{}, func(s *script) {
		r := s.post("", time.Minute)
		p := s.ready()
		for range 20 {
			time.Sleep(2 * time.Second)
			p.do(p.WritePing(false, [8]byte{}))
		}
		r.wantOpen()
		p.answer(1, "")
		r.want(answered, 200, "", nil)
	})
}

// TestRepeats: what the peer has not processed is sent again, and no more often than
// was asked for.
func TestRepeats(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Repeats: 2}, func(s *script) {
		r := s.post("body")
		p := s.ready()
		p.expect("HEADERS 1 /send", "DATA 1 4 END")
		p.do(p.WriteRSTStream(1, http2.ErrCodeRefusedStream))
		p.expect("HEADERS 3 /send", "DATA 3 4 END")
		p.do(p.WriteGoAway(1, http2.ErrCodeNo, nil))
		p.expect("GOAWAY NO_ERROR", "closed")
		r.wantOpen()
		q := s.ready()
		q.expect("HEADERS 1 /send", "DATA 1 4 END")
		q.do(q.WriteRSTStream(1, http2.ErrCodeRefusedStream))
		r.want(unprocessed, 0, "", nil)
	})
}

// TestGoAwayWithAReason: why a peer ends the connection is in the error, if it says it as
// Apple does; whatever else it says may be anything.
func TestGoAwayWithAReason(t *testing.T) {
	t.Parallel()
	for debug, want := range map[string]string{
		`{"reason":"Shutdown"}`:        "Shutdown",
		`{"reason":"do not quote"}`:    "",
		`{"reason":"Shutdown"} indeed`: "",
		"do-not-quote":                 "",
	} {
		play(t, h2post.Options{}, func(s *script) {
			all := []*posting{s.post(""), s.post("")}
			p := s.ready()
			p.expect("HEADERS 1 /send END", "HEADERS 3 /send END")
			p.do(p.WriteGoAway(1, http2.ErrCodeNo, []byte(debug)))
			all[1].want(unprocessed, 0, "", nil)
			p.do(p.Close())
			all[0].want(inDoubt, 0, "", h2post.ErrLost)
			for _, one := range all {
				if said := one.got[0].Err.Error(); !strings.HasSuffix(said, want) || strings.Contains(said, "quote") {
					s.Errorf("%s: %s", debug, said)
				}
			}
		})
	}
}

// breaking is a connection that takes only so many bytes.
type breaking struct {
	net.Conn
	left    atomic.Int64
	stalled chan struct{} // instead of failing it waits for this, if it is not nil
	kept    bool          // by the test, so that Close does not end the wait
}

func (b *breaking) Write(p []byte) (int, error) {
	n := int(min(b.left.Load(), int64(len(p))))
	written, err := b.Conn.Write(p[:n])
	b.left.Add(int64(-written))
	if err == nil && n < len(p) {
		if b.stalled == nil {
			return written, errors.New("the cable is cut")
		}
		<-b.stalled
		return written, net.ErrClosed
	}
	return written, err
}

func (b *breaking) Close() error {
	if b.stalled != nil && !b.kept {
		select {
		case <-b.stalled:
		default:
			close(b.stalled)
		}
	}
	return b.Conn.Close()
}

// TestCutInTheMiddle: of what was written together, only that is in doubt of which
// the peer may have seen the end.
func TestCutInTheMiddle(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{}, func(s *script) {
		b := &breaking{}
		b.left.Store(1 << 20)
		s.wrap = func(c net.Conn) net.Conn { b.Conn, s.wrap = c, nil; return b }
		four := func() (all []*posting) {
			for _, body := range []string{"1", strings.Repeat("x", 100), "3", "4"} {
				all = append(all, s.post(body))
			}
			return all
		}
		warm := s.post("")
		p := s.ready(streams(1))
		p.expect("HEADERS 1 /send END")
		all := four()
		p.do(p.WriteSettings(streams(9)))
		p.expect("HEADERS 3 /send", "DATA 3 1 END", "HEADERS 5 /send", "DATA 5 100 END", "HEADERS 7 /send", "DATA 7 1 END", "HEADERS 9 /send", "DATA 9 1 END")
		for i, r := range append([]*posting{warm}, all...) {
			p.answer(uint32(2*i+1), "")
			r.want(answered, 200, "", nil)
		}
		p.do(p.WriteSettings(streams(0)))
		synctest.Wait()
		all = four()
		b.left.Store(9 + 20 + 10 + 60) // an acknowledgement, the first, and less than the second
		p.do(p.WriteSettings(streams(9)))
		synctest.Wait()
		time.Sleep(2 * time.Second)
		p.expect("HEADERS 11 /send", "DATA 11 1 END", "HEADERS 13 /send", "closed")
		all[0].want(inDoubt, 0, "", h2post.ErrLost)
		for _, r := range all[1:] {
			r.want(unprocessed, 0, "", h2post.ErrLost)
		}
	})
}

// TestLastWord: a connection that cannot be written to is still read, because the peer
// may have said what it has not processed.
func TestLastWord(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{}, func(s *script) {
		b := &breaking{}
		b.left.Store(1 << 20)
		s.wrap = func(c net.Conn) net.Conn { b.Conn, s.wrap = c, nil; return b }
		one, two := s.post(""), s.post("")
		p := s.ready()
		p.expect("HEADERS 1 /send END", "HEADERS 3 /send END")
		b.left.Store(0)
		three := s.post("")
		synctest.Wait()
		p.do(p.WriteGoAway(1, http2.ErrCodeNo, nil))
		two.want(unprocessed, 0, "", nil)
		three.want(unprocessed, 0, "", nil)
		p.answer(1, "")
		one.want(answered, 200, "", nil)
	})
}

// TestStuck: a connection whose writes take long gets no requests when there is
// another, and what the peer makes us say is bounded.
func TestStuck(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Conns: 2, StreamsPerConn: 40}, func(s *script) {
		b := &breaking{stalled: make(chan struct{}), kept: true}
		defer close(b.stalled)
		b.left.Store(1 << 20)
		s.wrap = func(c net.Conn) net.Conn { b.Conn, s.wrap = c, nil; return b }
		first := s.post("")
		p := s.ready()
		p.answer(1, "")
		first.want(answered, 200, "", nil)
		b.left.Store(0)
		lost := s.post("")
		synctest.Wait()
		var all []*posting
		for range 39 {
			all = append(all, s.post(""))
		}
		q := s.ready()
		time.Sleep(400 * time.Millisecond)
		for i := range all { // in whatever order they have come
			q.answer(uint32(2*i+1), "")
		}
		for _, r := range all {
			r.want(answered, 200, "", nil)
		}
		time.Sleep(10 * time.Second)
		lost.want(inDoubt, 0, "", h2post.ErrLost) // the write has not said that nothing went out
	})
}
