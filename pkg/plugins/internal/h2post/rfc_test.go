package h2post_test

import (
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// What RFC 9113 asks of a client that receives frames, and where it is tested:
//
//	3.4   the first frame is SETTINGS                       TestFirstFrame
//	4.2   frames too large, or too small for what they hold  TestWrongFrames, TestWrongByRFC
//	4.3   blocks that cannot be decoded                     TestWrongFrames
//	5.1   frames of streams that are idle or closed         TestWrongFrames, TestWrongByRFC, TestLateFrames
//	5.1.2 the limit of streams                              TestScripts, TestModel
//	5.4.2 a stream's fault leaves the connection            TestStreamFaults
//	5.5   frames, flags and settings that nobody knows      TestIgnored
//	6.1   DATA: no stream, padding                          TestWrongFrames, TestWrongByRFC
//	6.2   HEADERS: no stream, padding, priority             TestWrongFrames, TestHeaders
//	6.3   PRIORITY                                          TestIgnored, TestWrongByRFC
//	6.4   RST_STREAM                                        TestScripts, TestWrongByRFC
//	6.5   SETTINGS: stream, length, values, acknowledgement TestWrongFrames, TestWrongByRFC, TestScripts
//	6.6   PUSH_PROMISE is refused                           TestWrongFrames
//	6.7   PING: stream, length, answer                      TestWrongFrames, TestWrongByRFC, TestHalfOpen
//	6.8   GOAWAY: stream, twice, last stream                TestScripts, TestRepeats, TestWrongByRFC
//	6.9   WINDOW_UPDATE: length, 0, overflow; both windows  TestWrongFrames, TestStreamFaults, TestScripts
//	6.10  CONTINUATION: alone, of another, interrupted      TestWrongFrames, TestHeaders
//	8.1   interim answers, trailers, order, length          TestHeaders
//	8.2   names and values of fields                        TestHeaders
//	8.3   pseudo-header fields                              TestHeaders
//	10.5  floods                                            TestWrongFrames
//
// Of 8.2.2 one thing is not done: an answer with a field of a connection, such as
// transfer-encoding, would have to count as malformed. Its status is known, so that it is
// taken: who repeats the request sends the push twice.

// TestWrongByRFC: frames that RFC 9113 has end the connection, beside those of
// TestWrongFrames.
func TestWrongByRFC(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code    http2.ErrCode
		kind    http2.FrameType
		flags   http2.Flags
		id      uint32
		payload string
	}{
		"6.1, DATA of no stream":            {http2.ErrCodeProtocol, http2.FrameData, 0, 0, "x"},
		"5.1, DATA of an idle stream":       {http2.ErrCodeProtocol, http2.FrameData, 0, 3, "x"},
		"6.3, PRIORITY of no stream":        {http2.ErrCodeProtocol, http2.FramePriority, 0, 0, "\x00\x00\x00\x00\x10"},
		"6.3, PRIORITY of 4 bytes":          {http2.ErrCodeFrameSize, http2.FramePriority, 0, 1, "\x00\x00\x00\x00"},
		"6.4, RST_STREAM of no stream":      {http2.ErrCodeProtocol, http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x08"},
		"6.4, RST_STREAM of an idle stream": {http2.ErrCodeProtocol, http2.FrameRSTStream, 0, 3, "\x00\x00\x00\x08"},
		"6.4, RST_STREAM of 3 bytes":        {http2.ErrCodeFrameSize, http2.FrameRSTStream, 0, 1, "\x00\x00\x08"},
		"6.5, SETTINGS of 5 bytes":          {http2.ErrCodeFrameSize, http2.FrameSettings, 0, 0, "\x00\x03\x00\x00\x00"},
		"6.5, SETTINGS ACK with a payload":  {http2.ErrCodeFrameSize, http2.FrameSettings, http2.FlagSettingsAck, 0, "\x00\x03\x00\x00\x00\x01"},
		"6.5.2, push of 2":                  {http2.ErrCodeProtocol, http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02"},
		"6.5.2, push to the server":         {http2.ErrCodeProtocol, http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x01"},
		"6.7, PING of a stream":             {http2.ErrCodeProtocol, http2.FramePing, 0, 1, "12345678"},
		"6.8, GOAWAY of a stream":           {http2.ErrCodeProtocol, http2.FrameGoAway, 0, 1, "\x00\x00\x00\x01\x00\x00\x00\x00"},
		"6.9, WINDOW_UPDATE, idle stream":   {http2.ErrCodeProtocol, http2.FrameWindowUpdate, 0, 3, "\x00\x00\x00\x01"},
		"6.10, CONTINUATION of no stream":   {http2.ErrCodeProtocol, http2.FrameContinuation, http2.FlagContinuationEndHeaders, 0, "\x88"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{}, func(s *script) {
				r := s.post("")
				p := s.ready()
				p.expect("HEADERS 1 /send END")
				p.raw(c.kind, c.flags, c.id, c.payload)
				p.expect("GOAWAY "+c.code.String(), "closed")
				r.want(inDoubt, 0, "", h2post.ErrLost)
			})
		})
	}
}

// TestIgnored: what a client need not know changes nothing.
func TestIgnored(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{}, func(s *script) {
		r := s.post("")
		p := s.ready()
		p.expect("HEADERS 1 /send END")
		p.raw(0x99, 0xff, 1, "of no type that is known")
		p.raw(http2.FramePriority, 0, 1, "\x00\x00\x00\x00\x10")
		p.raw(http2.FramePriority, 0, 7, "\x00\x00\x00\x01\x10") // of an idle stream, too
		p.raw(http2.FramePing, http2.FlagPingAck, 0, "unasked!")
		p.do(p.WriteSettings(http2.Setting{ID: 0x99, Val: 7}, http2.Setting{ID: http2.SettingEnablePush, Val: 0}))
		p.do(p.WriteSettingsAck())
		p.raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream|0x50, 1, "\x88")
		synctest.Wait()
		r.want(answered, 200, "", nil)
		p.expect()
	})
}
