package h2post_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// TestSilentConnections: when a connection is dead without a word, idle ones of the same
// age may be dead, too. No request is given to them before they answer a PING.
func TestSilentConnections(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Conns: 3, StreamsPerConn: 1}, func(s *script) {
		one, two := s.post(""), s.post("")
		p, q := s.ready(), s.ready()
		p.expect("HEADERS 1 /send END")
		q.expect("HEADERS 1 /send END")
		p.answer(1, "")
		q.answer(1, "")
		one.want(answered, 200, "", nil)
		two.want(answered, 200, "", nil)
		lost := s.post("")
		time.Sleep(4500 * time.Millisecond)
		p.expect("HEADERS 3 /send END", "PING", "closed")
		lost.want(inDoubt, 0, "", h2post.ErrLost)
		q.expect("PING")
		three := s.post("")
		r := s.ready()
		r.expect("HEADERS 1 /send END")
		q.do(q.WritePing(true, [8]byte{}))
		time.Sleep(200 * time.Millisecond)
		four := s.post("")
		q.expect("HEADERS 3 /send END") // which lives
		q.answer(3, "")
		r.answer(1, "")
		three.want(answered, 200, "", nil)
		four.want(answered, 200, "", nil)
	})
}

// TestSilentConnectionOfATimeout: a request that times out before a PING counts as
// unanswered leaves the connection under suspicion. Without another it is used, until it
// is given up.
func TestSilentConnectionOfATimeout(t *testing.T) {
	t.Parallel()
	for name, conns := range map[string]int{"another can be had": 2, "none can": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{Conns: conns}, func(s *script) {
				one := s.post("", 1500*time.Millisecond)
				p := s.ready()
				time.Sleep(2500 * time.Millisecond)
				p.expect("HEADERS 1 /send END", "PING", "RST_STREAM 1 CANCEL")
				one.want(timedOut, 0, "", h2post.ErrTimeout)
				two := s.post("")
				if conns == 1 {
					p.expect("HEADERS 3 /send END")
					time.Sleep(2 * time.Second)
					p.expect("closed")
					two.want(inDoubt, 0, "", h2post.ErrLost)
					return
				}
				q := s.ready()
				q.expect("HEADERS 1 /send END")
				q.answer(1, "")
				two.want(answered, 200, "", nil)
				time.Sleep(2 * time.Second)
				p.expect("closed")
			})
		})
	}
}

// TestSilentConnectionsAndNoOther: when no other can be dialled, a request goes over one
// that may be dead rather than over none.
func TestSilentConnectionsAndNoOther(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Conns: 2}, func(s *script) {
		one := s.post("", 1500*time.Millisecond)
		p := s.ready(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 10})
		time.Sleep(2500 * time.Millisecond)
		one.want(timedOut, 0, "", h2post.ErrTimeout)
		p.expect("HEADERS 1 /send END", "PING", "RST_STREAM 1 CANCEL")
		s.refuse = errors.New("connection refused")
		two := s.post("")
		p.expect("HEADERS 3 /send END")
		p.answer(3, "")
		two.want(answered, 200, "", nil)
	})
}

// TestGoAwayAfterAnswers: a peer that ends each connection after an answer takes all
// requests in time, however often the last one is handed back; one that never answers
// anything is believed sooner.
func TestGoAwayAfterAnswers(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Repeats: 1}, func(s *script) {
		var all []*posting
		for range 6 {
			all = append(all, s.post(""))
		}
		for range all {
			p := s.ready()
			p.answer(1, "")
			synctest.Wait()
			p.do(p.WriteGoAway(1, http2.ErrCodeNo, nil))
		}
		for _, r := range all {
			r.want(answered, 200, "", nil)
		}
		last := s.post("")
		for range 2 {
			p := s.ready()
			p.do(p.WriteGoAway(0, http2.ErrCodeNo, nil))
			synctest.Wait()
			time.Sleep(time.Second)
		}
		last.want(unprocessed, 0, "", nil)
	})
}
