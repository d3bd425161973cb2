package h2post_test

import (
	"testing"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// TestPrime: a connection carries one request at a time until it has answered one with
// success, even if the peer's settings allow more; then as many as they do.
func TestPrime(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{Prime: true}, func(s *script) {
		for range 5 {
			s.post("")
		}
		p := s.ready(streams(3))
		p.expect("HEADERS 1 /send END")
		p.headers(1, true, ":status= 403")
		p.expect("HEADERS 3 /send END")
		p.answer(3, "")
		p.expect("HEADERS 5 /send END", "HEADERS 7 /send END", "HEADERS 9 /send END")
		s.noConnection()
	})
}

// TestMove: with which head a connection goes on is not decided by the request; and a
// request that must not be there goes over another connection.
func TestMove(t *testing.T) {
	t.Parallel()
	heads := map[string]*h2post.Head{}
	for _, name := range []string{"old", "new", "other"} {
		heads[name] = h2post.NewHead("/" + name)
		heads[name].Of = name
	}
	move := func(from, to *h2post.Head) *h2post.Head {
		if to.Of == "other" || from.Of == "other" {
			return nil
		}
		return heads["old"] // it stays so for a while
	}
	play(t, h2post.Options{Move: move}, func(s *script) {
		send := func(name string) *posting {
			s.head = heads[name]
			return s.post("")
		}
		first := send("old")
		p := s.ready()
		p.expect("HEADERS 1 /old END")
		send("new")
		p.expect("HEADERS 3 /old END")
		last := send("other")
		q := s.ready()
		q.expect("HEADERS 1 /other END")
		p.expect()
		p.answer(1, "")
		p.answer(3, "")
		p.expect("GOAWAY NO_ERROR", "closed")
		q.answer(1, "")
		first.want(answered, 200, "", nil)
		last.want(answered, 200, "", nil)
		s.noConnection()
	})
}

// TestRetire: a connection that is retired answers what is open on it and takes no more.
func TestRetire(t *testing.T) {
	t.Parallel()
	play(t, h2post.Options{}, func(s *script) {
		first, open := s.post(""), s.post("")
		p := s.ready()
		p.answer(1, "")
		first.want(answered, 200, "", nil)
		if answer := first.answer; answer.Head != s.head {
			t.Errorf("the answer is to %v, want the head that was sent", answer.Head)
		}
		first.answer.Retire()
		next := s.post("")
		p.expect("HEADERS 1 /send END", "HEADERS 3 /send END")
		q := s.ready()
		q.answer(1, "")
		next.want(answered, 200, "", nil)
		p.answer(3, "")
		open.want(answered, 200, "", nil)
		p.expect("GOAWAY NO_ERROR", "closed")
		first.answer.Retire() // it has ended
	})
}
