package h2post_test

import (
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// taker is a peer that knows which streams are open.
type taker struct {
	*peer
	open []uint32
}

// taker lets the next connection in.
func (s *script) taker() *taker {
	t := &taker{}
	t.peer = s.accept(func(f http2.Frame) {
		if h, ok := f.(*http2.HeadersFrame); ok {
			t.open = append(t.open, h.StreamID)
		}
	})
	t.do(t.WriteSettings(streams(1000)))
	synctest.Wait()
	return t
}

// load is how many streams are open.
func (t *taker) load() int {
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

// answerAll answers them.
func (t *taker) answerAll() {
	t.mu.Lock()
	open := t.open
	t.open = nil
	t.mu.Unlock()
	for _, id := range open {
		t.answer(id, "")
	}
}

// TestSpread: many requests keep together, but not in the minute after a loss, and what a
// connection holds that does not answer is no reason either.
func TestSpread(t *testing.T) {
	t.Parallel()
	const conns, requests = 4, 100
	play(t, h2post.Options{Conns: conns, StreamsPerConn: requests, IdleAfter: time.Hour}, func(s *script) {
		var peers []*taker
		load := func(n int) (most int) {
			for range n {
				s.post("", time.Hour)
			}
			for len(peers) < conns {
				peers = append(peers, s.taker())
			}
			for _, p := range peers {
				most = max(most, p.load())
			}
			return most
		}
		answer := func() {
			for _, p := range peers {
				p.answerAll()
			}
			synctest.Wait()
		}
		load(conns)
		answer()
		if most := load(requests); most <= requests/2 {
			t.Errorf("%d of %d are on one connection, want more than half", most, requests)
		}
		_ = peers[0].Close()
		peers = peers[1:]
		answer()
		if most := load(requests); most > requests/conns+1 {
			t.Errorf("after a loss %d of %d are on one connection, want a share", most, requests)
		}
		answer()
		time.Sleep(61 * time.Second)
		load(1)
		time.Sleep(time.Second / 2) // for the clock
		answer()
		if most := load(requests); most <= requests/2 {
			t.Errorf("a minute later %d of %d are on one connection, want more than half", most, requests)
		}
		answer()
	})
}

// TestSpreadBesideSilence: requests on connections that do not answer do not count as
// many.
func TestSpreadBesideSilence(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Conns: 3, StreamsPerConn: 200}, func(s *script) {
		for range 3 {
			s.post("", time.Hour)
		}
		dead, one, two := s.taker(), s.taker(), s.taker()
		one.answerAll()
		two.answerAll()
		for range 100 {
			s.post("", time.Hour)
		}
		for range 5 {
			one.answerAll()
			two.answerAll()
			time.Sleep(500 * time.Millisecond)
		}
		if dead.load() < 34 {
			t.Fatalf("%d are open on the connection that does not answer", dead.load())
		}
		for range 21 {
			s.post("", time.Hour)
		}
		third := s.taker() // in place of the one that may be dead
		if a, b, c := one.load(), two.load(), third.load(); a+b+c != 21 || max(a, b, c) > 8 {
			t.Errorf("%d, %d and %d are open on the others, want about 7 each", a, b, c)
		}
		for _, p := range []*taker{one, two, third} {
			p.answerAll()
		}
	})
}

// TestSpreadAfterSilence: when connections are silent, many requests are spread, too: what
// was held back comes at once.
func TestSpreadAfterSilence(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Conns: 4, StreamsPerConn: 200}, func(s *script) {
		for range 4 {
			s.post("", 2500*time.Millisecond)
		}
		var dead, live []*taker
		for range 4 {
			dead = append(dead, s.taker())
		}
		time.Sleep(4500 * time.Millisecond) // they are given up
		for range 100 {
			s.post("", time.Hour)
		}
		for range dead {
			live = append(live, s.taker())
		}
		for i, p := range live {
			if n := p.load(); n < 20 || n > 30 {
				t.Errorf("connection %d has %d of 100 requests, want a share", i, n)
			}
			p.answerAll()
		}
	})
}

// TestLostTogether: connections that are lost together, idle ones among them, are replaced
// as soon as they are needed, one for each request.
func TestLostTogether(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Conns: 4}, func(s *script) {
		for range 4 {
			s.post("")
		}
		peers := []*taker{s.taker(), s.taker(), s.taker(), s.taker()}
		peers[0].answerAll()
		synctest.Wait()
		for _, p := range peers {
			_ = p.Close()
		}
		synctest.Wait()
		for range 4 {
			s.post("")
			synctest.Wait()
		}
		for i := range peers {
			peers[i] = s.taker()
		}
		for i, p := range peers {
			if p.load() != 1 {
				t.Errorf("connection %d has %d requests, want one", i, p.load())
			}
			p.answerAll()
		}
	})
}
