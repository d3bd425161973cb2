package h2_test

import (
	"testing"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/internal/fake/h2"
)

// TestOwed: what an answer would have told is lost when the peer cannot get it, once.
func TestOwed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(p *peer, s *h2.Stream)
		want int
	}{
		"answered": {func(p *peer, s *h2.Stream) {
			s.Answer(200, nil, []byte("well"))
			p.conn.Flush()
			p.answer(1)
		}, 0},
		"answered without a body": {func(p *peer, s *h2.Stream) {
			s.Answer(204, nil, nil)
			p.conn.Flush()
			p.answer(1)
		}, 0},
		"not answered": {func(*peer, *h2.Stream) {}, 2},
		"reset":        {func(_ *peer, s *h2.Stream) { s.Reset(http2.ErrCodeInternal) }, 2},
		"given up by the peer": {func(p *peer, _ *h2.Stream) {
			p.must(p.framer.WriteRSTStream(1, http2.ErrCodeCancel))
			p.must(p.framer.WritePing(false, [8]byte{}))
			p.next()
		}, 2},
		"answered while frozen": {func(p *peer, s *h2.Stream) {
			p.conn.Freeze()
			s.Answer(200, nil, []byte("late"))
			p.conn.Flush()
		}, 2},
		"after the end": {func(p *peer, s *h2.Stream) {
			p.conn.Abort()
			s.Owe(3)
		}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := make(chan *h2.Stream, 1)
			lost := 0
			p := connect(t, h2.Config{Handle: func(s *h2.Stream) { s.Owe(2); held <- s }, Lost: func(n int) { lost += n }})
			p.request(1, true)
			c.do(p, <-held)
			p.conn.Abort()
			p.end()
			if lost != c.want {
				t.Errorf("%d are lost, want %d", lost, c.want)
			}
		})
	}
}
