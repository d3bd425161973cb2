package h2post_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// FuzzFrames: whatever the peer sends, each request is completed exactly once, and
// the connection ends.
func FuzzFrames(f *testing.F) {
	var b bytes.Buffer
	fr := http2.NewFramer(&b, nil)
	add := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(b.Bytes()))
	}
	add(fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true}))
	add(fr.WriteData(1, true, []byte("answer")))
	add(fr.WriteSettings(streams(1), window(3)))
	add(fr.WriteGoAway(3, http2.ErrCodeNo, nil))
	add(fr.WritePing(false, [8]byte{}))
	add(fr.WriteRSTStream(3, http2.ErrCodeRefusedStream))
	add(fr.WriteWindowUpdate(0, 100))
	f.Fuzz(func(t *testing.T, frames []byte) {
		play(t, h2post.Options{}, func(s *script) {
			all := []*posting{s.post("one"), s.post("two"), s.post("")}
			p := s.ready()
			_, _ = p.Write(frames)
			synctest.Wait()
			_ = p.Close()
			for range 3 { // for what waits for another connection
				synctest.Wait()
				for len(s.dialed) > 0 {
					_ = (<-s.dialed).Close()
				}
			}
			synctest.Wait()
			for i, r := range all {
				if len(r.got) != 1 {
					t.Errorf("request %d was completed %d times", i, len(r.got))
				}
			}
		})
	})
}

// FuzzHeaders: a block is an answer only if the Framer of x/net takes it for one, too,
// and then with the same status.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte{0x88})
	f.Add([]byte("\x08\x03204\x0f\x0d\x010"))
	f.Add([]byte("\x88\x40\x01a\x01b\xbe"))
	f.Add([]byte("\x08\x03000\x08\x03304"))
	f.Add([]byte("\x88\x40\x0300 \x00")) // a name that is no token
	f.Add([]byte("\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b"))
	f.Fuzz(func(t *testing.T, block []byte) {
		if len(block) > 16<<10 {
			return
		}
		var b bytes.Buffer
		fr := http2.NewFramer(&b, &b)
		if err := fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true, EndStream: true}); err != nil {
			t.Fatal(err)
		}
		frame := bytes.Clone(b.Bytes())
		fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		fr.MaxHeaderListSize = 16 << 10
		want := ""
		if got, err := fr.ReadFrame(); err == nil {
			if m, ok := got.(*http2.MetaHeadersFrame); ok {
				want = m.PseudoValue("status")
			}
		}
		play(t, h2post.Options{}, func(s *script) {
			r := s.post("")
			p := s.ready()
			_, _ = p.Write(frame)
			synctest.Wait()
			if len(r.got) == 1 && r.got[0].Outcome == answered && (len(want) != 3 || r.got[0].Status != atoi(want)) {
				t.Errorf("status %d; x/net says %q", r.got[0].Status, want)
			}
			_ = p.Close()
			synctest.Wait()
			if len(r.got) != 1 {
				t.Errorf("completed %d times", len(r.got))
			}
		})
	})
}

func atoi(s string) (n int) {
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}
