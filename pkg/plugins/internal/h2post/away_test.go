package h2post_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// sendAway says SETTINGS and GOAWAY at once on each connection that waits, and returns how
// many did, while that is fewer than most.
func (s *script) sendAway(most int, settings ...http2.Setting) (n int) {
	s.Helper()
	var both bytes.Buffer
	f := http2.NewFramer(&both, nil)
	_ = f.WriteSettings(settings...)
	_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
	for synctest.Wait(); len(s.dialed) > 0; synctest.Wait() {
		if n++; n > most {
			s.Fatalf("more than %d connections were made", most)
		}
		_, err := s.accept().Write(both.Bytes())
		s.do(err)
	}
	return n
}

func (s *script) do(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// TestSentAwayAtOnce: where a peer sends each connection away before any answer, those who
// wait are told so, and it is not dialled again for them but as often as a request is
// repeated. Afterwards it takes requests.
func TestSentAwayAtOnce(t *testing.T) {
	t.Parallel()
	const conns, repeats = 4, 2
	for name, room := range map[string]uint32{"with room for none": 0, "for one": 1, "for all": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{Conns: conns, Repeats: repeats}, func(s *script) {
				var all []*posting
				for range 20 {
					all = append(all, s.post(""))
				}
				s.sendAway(conns*(1+repeats), streams(room))
				for _, r := range all {
					r.want(unprocessed, 0, "", nil)
				}
				time.Sleep(5 * time.Second)
				s.noConnection()
				r := s.post("")
				p := s.ready()
				p.answer(1, "")
				r.want(answered, 200, "", nil)
			})
		})
	}
}

// TestSentAwayBesideAnother: where a peer takes one connection and sends the others away
// at once, those are dialled every second, and requests go over the one, or over others
// when the peer takes them again.
func TestSentAwayBesideAnother(t *testing.T) {
	t.Parallel()
	const conns, seconds = 4, 10
	for name, room := range map[string]uint32{"with room for none": 0, "for one": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{Conns: conns, Repeats: 100}, func(s *script) {
				held := s.post("", time.Minute)
				p := s.ready(streams(1))
				p.expect("HEADERS 1 /send END")
				waits, late := s.post("", time.Minute), s.post("", time.Minute)
				dials := 0
				for range 10 * seconds {
					dials += s.sendAway(conns*seconds-dials, streams(room))
					p.do(p.WritePing(false, [8]byte{}))
					time.Sleep(100 * time.Millisecond)
				}
				if dials < seconds-1 {
					t.Errorf("%d connections were made in %d s, want one or more a second", dials, seconds)
				}
				p.answer(1, "")
				held.want(answered, 200, "", nil)
				time.Sleep(time.Second)
				q := s.ready()
				q.answer(1, "")
				synctest.Wait()
				p.answer(3, "")
				waits.want(answered, 200, "", nil)
				late.want(answered, 200, "", nil)
			})
		})
	}
}

// TestLostBesideAnother: where a peer takes one connection and cuts off the others before a
// request is on them, those are not dialled with each answer on the one.
func TestLostBesideAnother(t *testing.T) {
	t.Parallel()
	const conns, answers = 4, 20
	play(t, h2post.Options{Conns: conns}, func(s *script) {
		var all []*posting
		for range answers {
			all = append(all, s.post("", time.Minute))
		}
		p := s.ready(streams(1))
		dials := 0
		for i := range answers {
			var fresh []*peer
			for synctest.Wait(); len(s.dialed) > 0; synctest.Wait() {
				q := s.accept()
				q.do(q.WriteSettings(streams(0)))
				fresh = append(fresh, q)
			}
			dials += len(fresh)
			p.answer(uint32(2*i+1), "")
			synctest.Wait()
			for _, q := range fresh {
				q.do(q.Close())
			}
		}
		for _, r := range all {
			r.want(answered, 200, "", nil)
		}
		if dials > conns {
			t.Errorf("%d connections were made during %d answers at one moment", dials, answers)
		}
	})
}
