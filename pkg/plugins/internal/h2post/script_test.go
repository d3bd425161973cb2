package h2post_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

const (
	answered    = h2post.Answered
	unprocessed = h2post.Unprocessed
	inDoubt     = h2post.InDoubt
	timedOut    = h2post.TimedOut
)

func streams(n uint32) http2.Setting {
	return http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: n}
}

func window(n uint32) http2.Setting {
	return http2.Setting{ID: http2.SettingInitialWindowSize, Val: n}
}

// scripts are what peers do, each with what the client must do.
func scripts() map[string]func(s *script) {
	return map[string]func(s *script){
		"an answer": func(s *script) {
			r := s.post("hello")
			p := s.ready()
			p.expect("HEADERS 1 /send", "DATA 1 5 END")
			p.answer(1, "well")
			r.want(answered, 200, "well", nil)
			r = s.post("")
			p.expect("HEADERS 3 /send END")
			p.headers(3, true, ":status= 404", "content-length= 0")
			r.want(answered, 404, "", nil)
			s.noConnection()
		},
		"nothing is sent before the peer's settings": func(s *script) {
			r := s.post("1")
			p := s.accept()
			p.expect("SETTINGS", "WINDOW_UPDATE 0 983041")
			p.do(p.WriteSettings(streams(0)))
			p.expect()
			p.do(p.WriteSettings(streams(1)))
			p.expect("HEADERS 1 /send", "DATA 1 1 END")
			p.answer(1, "")
			r.want(answered, 200, "", nil)
		},
		"the limit of streams shrinks and grows": func(s *script) {
			var all []*posting
			for range 6 {
				all = append(all, s.post(""))
			}
			p := s.ready(streams(3))
			p.expect("HEADERS 1 /send END", "HEADERS 3 /send END", "HEADERS 5 /send END")
			p.do(p.WriteSettings(streams(1)))
			p.answer(3, "")
			p.answer(1, "")
			p.expect()
			p.answer(5, "")
			p.expect("HEADERS 7 /send END")
			p.do(p.WriteSettings(streams(2)))
			p.expect("HEADERS 9 /send END")
			p.answer(9, "")
			p.expect("HEADERS 11 /send END")
			p.answer(11, "")
			p.answer(7, "")
			for _, r := range all {
				r.want(answered, 200, "", nil)
			}
			s.noConnection()
		},
		"a stream's window": func(s *script) {
			r := s.post("twelve bytes")
			p := s.ready(window(5))
			p.expect("HEADERS 1 /send", "DATA 1 5")
			p.do(p.WriteWindowUpdate(1, 4))
			p.expect("DATA 1 4")
			p.do(p.WriteSettings(window(3))) // 2 less than nothing
			p.do(p.WriteWindowUpdate(1, 3))
			p.expect("DATA 1 1")
			p.do(p.WriteSettings(window(100)))
			p.expect("DATA 1 2 END")
			p.answer(1, "")
			r.want(answered, 200, "", nil)
		},
		"a connection's window": func(s *script) {
			r, next := s.post(strings.Repeat("x", 70_000)), s.post("next")
			p := s.ready(window(1 << 20))
			p.expect("HEADERS 1 /send", "DATA 1 16384", "DATA 1 16384", "DATA 1 16384", "DATA 1 16383")
			p.do(p.WriteWindowUpdate(0, 4465))
			p.expect("DATA 1 4465 END")
			p.do(p.WriteWindowUpdate(0, 100))
			p.expect("HEADERS 3 /send", "DATA 3 4 END")
			p.answer(1, "")
			p.answer(3, "")
			r.want(answered, 200, "", nil)
			next.want(answered, 200, "", nil)
		},
		"an answer before all of the body": func(s *script) {
			r := s.post("twelve bytes")
			p := s.ready(window(5))
			p.expect("HEADERS 1 /send", "DATA 1 5")
			p.headers(1, true, ":status= 413")
			p.expect("RST_STREAM 1 CANCEL")
			r.want(answered, 413, "", nil)
		},
		"an answer longer than 64 KiB": func(s *script) {
			r := s.post("")
			p := s.ready()
			p.headers(1, false, ":status= 200")
			for range 5 {
				p.do(p.WriteData(1, false, make([]byte, 16<<10)))
			}
			r.want(answered, 200, strings.Repeat("\x00", 64<<10), nil)
			p.expect("HEADERS 1 /send END", "RST_STREAM 1 CANCEL")
			for range 30 { // on its way
				p.do(p.WriteData(1, false, make([]byte, 16<<10)))
			}
			p.expect("WINDOW_UPDATE 0 540672")
		},
		"GOAWAY, and again with another stream": func(s *script) {
			all := []*posting{s.post(""), s.post(""), s.post("")}
			p := s.ready()
			p.expect("HEADERS 1 /send END", "HEADERS 3 /send END", "HEADERS 5 /send END")
			p.do(p.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil))
			next := s.post("")
			q := s.ready()
			q.expect("HEADERS 1 /send END")
			all[2].wantOpen()
			p.do(p.WriteGoAway(3, http2.ErrCodeNo, nil))
			all[2].want(unprocessed, 0, "", nil)
			p.answer(1, "")
			p.expect()
			p.answer(3, "")
			p.expect("GOAWAY NO_ERROR", "closed")
			all[0].want(answered, 200, "", nil)
			all[1].want(answered, 200, "", nil)
			q.answer(1, "")
			next.want(answered, 200, "", nil)
		},
		"a draining connection whose last stream stalls": func(s *script) {
			r := s.post("", 2*time.Second)
			p := s.ready()
			p.do(p.WriteGoAway(1, http2.ErrCodeNo, nil))
			time.Sleep(2500 * time.Millisecond)
			p.expect("HEADERS 1 /send END", "PING", "RST_STREAM 1 CANCEL", "GOAWAY NO_ERROR", "closed")
			r.want(timedOut, 0, "", h2post.ErrTimeout)
		},
		"reset by the peer": func(s *script) {
			one, two := s.post(""), s.post("")
			p := s.ready()
			p.do(p.WriteRSTStream(1, http2.ErrCodeRefusedStream))
			p.do(p.WriteRSTStream(3, http2.ErrCodeInternal))
			one.want(unprocessed, 0, "", nil)
			two.wantReset(http2.ErrCodeInternal)
		},
		"the connection is lost": func(s *script) {
			one := s.post("")
			p := s.ready(streams(1))
			p.expect("HEADERS 1 /send END")
			_ = p.Close()
			one.want(inDoubt, 0, "", h2post.ErrLost)
		},
		"timed out, on the wire and before": func(s *script) {
			one, two := s.post("", time.Second), s.post("", time.Second)
			p := s.ready(streams(1))
			time.Sleep(800 * time.Millisecond)
			one.wantOpen()
			time.Sleep(400 * time.Millisecond)
			one.want(timedOut, 0, "", h2post.ErrTimeout)
			two.want(unprocessed, 0, "", h2post.ErrTimeout)
			p.expect("HEADERS 1 /send END", "PING", "RST_STREAM 1 CANCEL")
			three := s.post("")
			p.expect("HEADERS 3 /send END")
			p.answer(1, "late")
			p.answer(3, "in time")
			three.want(answered, 200, "in time", nil)
		},
		"given up": func(s *script) {
			one, two := s.post(""), s.post("")
			p := s.ready(streams(1))
			p.expect("HEADERS 1 /send END")
			s.client.Cancel(&two.Request)
			two.want(unprocessed, 0, "", h2post.ErrCanceled)
			s.client.Cancel(&one.Request)
			one.want(inDoubt, 0, "", h2post.ErrCanceled)
			p.expect("RST_STREAM 1 CANCEL")
			s.client.Cancel(&one.Request)
			one.want(inDoubt, 0, "", h2post.ErrCanceled)
		},
		"ids run out": func(s *script) {
			one := s.post("")
			p := s.ready()
			p.answer(1, "")
			one.want(answered, 200, "", nil)
			s.client.SkipStreams()
			two, three := s.post(""), s.post("")
			four := s.post("")
			p.expect("HEADERS 1 /send END", "HEADERS 2147483645 /send END", "HEADERS 2147483647 /send END")
			q := s.ready()
			q.expect("HEADERS 1 /send END")
			p.answer(1<<31-3, "")
			p.answer(1<<31-1, "")
			p.expect("GOAWAY NO_ERROR", "closed")
			q.answer(1, "")
			for _, r := range []*posting{two, three, four} {
				r.want(answered, 200, "", nil)
			}
		},
		"idle": func(s *script) {
			r := s.post("")
			p := s.ready()
			p.answer(1, "")
			r.want(answered, 200, "", nil)
			p.expect("HEADERS 1 /send END")
			time.Sleep(60 * time.Second)
			p.expect()
			time.Sleep(130 * time.Second)
			p.expect("GOAWAY NO_ERROR", "closed")
		},
		"no connection": func(s *script) {
			s.refuse = errors.New("nobody listens")
			r := s.post("")
			r.want(unprocessed, 0, "", s.refuse)
			s.refuse = nil
			r = s.post("")
			p := s.ready()
			p.answer(1, "")
			r.want(answered, 200, "", nil)
		},
		"closed": func(s *script) {
			one, two := s.post(""), s.post("")
			p := s.ready(streams(1))
			p.expect("HEADERS 1 /send END")
			go func() { time.Sleep(time.Second / 2); p.answer(1, "last") }()
			closeIt(s, s.client)
			one.want(answered, 200, "last", nil)
			two.want(unprocessed, 0, "", h2post.ErrClosed)
			s.post("").want(unprocessed, 0, "", h2post.ErrClosed)
			p.expect("GOAWAY NO_ERROR", "closed")
		},
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	for name, run := range scripts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, h2post.Options{}, run)
		})
	}
}
