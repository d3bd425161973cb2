package h2post_test

import (
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// TestStreamFaults: what is wrong with one stream's window ends that stream. The others
// on the connection are answered.
func TestStreamFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		increment string
		code      http2.ErrCode
	}{
		"WINDOW_UPDATE of 0": {"\x00\x00\x00\x00", http2.ErrCodeProtocol},
		"too wide a window":  {"\x7f\xff\xff\xff", http2.ErrCodeFlowControl},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{}, func(s *script) {
				spoilt, other := s.post(""), s.post("")
				p := s.ready()
				p.expect("HEADERS 1 /send END", "HEADERS 3 /send END")
				p.raw(http2.FrameWindowUpdate, 0, 1, c.increment)
				p.expect("RST_STREAM 1 " + c.code.String())
				spoilt.want(inDoubt, 0, "", nil)
				p.answer(3, "")
				other.want(answered, 200, "", nil)
			})
		})
	}
}

// TestLateFrames: HEADERS and DATA of a stream that the peer has ended are refused, once.
// Of one that we have reset they may have been on their way.
func TestLateFrames(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]func(p *peer){
		"HEADERS": func(p *peer) { p.headers(1, true, ":status= 200") },
		"DATA":    func(p *peer) { p.do(p.WriteData(1, true, []byte("late"))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{}, func(s *script) {
				one, two, three := s.post(""), s.post(""), s.post("", time.Second)
				p := s.ready()
				p.expect("HEADERS 1 /send END", "HEADERS 3 /send END", "HEADERS 5 /send END")
				p.answer(1, "")
				one.want(answered, 200, "", nil)
				late(p)
				late(p)
				p.expect("RST_STREAM 1 STREAM_CLOSED")
				p.do(p.WriteWindowUpdate(1, 1)) // and these may come late
				p.do(p.WriteRSTStream(1, http2.ErrCodeNo))
				p.answer(3, "")
				two.want(answered, 200, "", nil)
				time.Sleep(1200 * time.Millisecond)
				three.want(timedOut, 0, "", h2post.ErrTimeout)
				p.expect("PING", "RST_STREAM 5 CANCEL")
				p.answer(5, "late")
				p.expect()
			})
		})
	}
}
