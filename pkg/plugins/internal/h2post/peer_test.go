package h2post_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// script is a client whose peers do what a test says, frame by frame, in a bubble.
type script struct {
	*testing.T
	client *h2post.Client
	dialed chan net.Conn // the peers' ends
	refuse error         // what dialling says
	wrap   func(net.Conn) net.Conn
	head   *h2post.Head
}

// play runs a script. All connections and goroutines have ended after it.
func play(t *testing.T, o h2post.Options, run func(s *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &script{T: t, dialed: make(chan net.Conn, 100), head: h2post.NewHead("/send", h2post.Field{Name: "authorization", Value: "secret"})}
		o.Authority = "push.example:443"
		o.Conns = max(o.Conns, 1) // that there is one after the other unless the script wants more
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			if s.refuse != nil {
				return nil, s.refuse
			}
			ours, theirs := net.Pipe()
			s.dialed <- theirs
			if s.wrap != nil {
				ours = s.wrap(ours)
			}
			return ours, nil
		}
		s.client = h2post.New(t.Context(), o)
		run(s)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.client.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// posting is a request and what came of it.
type posting struct {
	h2post.Request
	s    *script
	mu   sync.Mutex
	got  []result
	took time.Duration
	// answer is the last one.
	answer *h2post.Answer
}

func (s *script) post(body string, deadline ...time.Duration) *posting {
	p := &posting{s: s}
	p.Head, p.Body = s.head, []byte(body)
	for _, d := range deadline {
		p.Deadline = time.Now().Add(d)
	}
	began := time.Now()
	p.Done = func(a *h2post.Answer) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got, p.took, p.answer = append(p.got, keep(a)), time.Since(began), a
	}
	s.client.Post(&p.Request)
	return p
}

// want checks what came of a request by now; 0 for nothing.
func (p *posting) want(o h2post.Outcome, status int, body string, err error) {
	p.s.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case o == 0 && len(p.got) == 0:
	case len(p.got) != 1:
		p.s.Errorf("completed %d times: %+v; want %v", len(p.got), p.got, o)
	case p.got[0].Outcome != o || p.got[0].Status != status || p.got[0].Body != body || !errors.Is(p.got[0].Err, err) && err != nil:
		p.s.Errorf("got %v %d %.100q %v; want %v %d %.100q %v", p.got[0].Outcome, p.got[0].Status, p.got[0].Body, p.got[0].Err, o, status, body, err)
	}
}

func (p *posting) wantOpen() { p.s.Helper(); p.want(0, 0, "", nil) }

func (p *posting) wantReset(code http2.ErrCode) {
	p.s.Helper()
	synctest.Wait()
	reset, ok := errors.AsType[*h2post.ResetError](p.got[0].Err)
	if p.got[0].Outcome != h2post.InDoubt || !ok || reset.Code != uint32(code) {
		p.s.Errorf("got %+v; want in doubt by %v", p.got[0], code)
	}
}

// peer is the other end of a connection. It reads all the time.
type peer struct {
	s *script
	net.Conn
	*http2.Framer
	dec  *hpack.Decoder
	enc  *hpack.Encoder
	buf  bytes.Buffer
	mu   sync.Mutex
	seen []string
}

// accept takes the next connection, as it comes.
func (s *script) accept(check ...func(http2.Frame)) *peer {
	s.Helper()
	synctest.Wait()
	select {
	case c := <-s.dialed:
		p := &peer{s: s, Conn: c, Framer: http2.NewFramer(c, c), dec: hpack.NewDecoder(4096, nil)}
		p.AllowIllegalWrites = true
		p.enc = hpack.NewEncoder(&p.buf)
		s.Cleanup(func() { _ = c.Close() })
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(c, preface); err != nil || string(preface) != http2.ClientPreface {
			s.Fatalf("preface %q, %v", preface, err)
		}
		go p.listen(check)
		return p
	default:
		s.Fatal("no connection was made")
		return nil
	}
}

// ready takes the next connection and says what it allows.
func (s *script) ready(settings ...http2.Setting) *peer {
	s.Helper()
	p := s.accept()
	p.expect("SETTINGS", "WINDOW_UPDATE 0 983041")
	p.do(p.WriteSettings(settings...))
	synctest.Wait() // what may be sent is sent
	return p
}

func (s *script) noConnection() {
	s.Helper()
	synctest.Wait()
	if n := len(s.dialed); n > 0 {
		s.Errorf("%d connections too many were made", n)
	}
}

func (p *peer) listen(check []func(http2.Frame)) {
	for {
		f, err := p.ReadFrame()
		if err != nil {
			p.see("closed")
			return
		}
		p.mu.Lock()
		for _, c := range check {
			c(f)
		}
		p.mu.Unlock()
		p.see(p.text(f))
	}
}

func (p *peer) see(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, what)
}

func (p *peer) text(f http2.Frame) string {
	h := f.Header()
	name := h.Type.String()
	switch f := f.(type) {
	case *http2.HeadersFrame:
		return fmt.Sprintf("%s %d%s%s", name, h.StreamID, p.path(f.HeaderBlockFragment(), f.HeadersEnded()), end(f.StreamEnded()))
	case *http2.ContinuationFrame:
		return fmt.Sprintf("%s %d%s", name, h.StreamID, p.path(f.HeaderBlockFragment(), f.HeadersEnded()))
	case *http2.DataFrame:
		return fmt.Sprintf("%s %d %d%s", name, h.StreamID, len(f.Data()), end(f.StreamEnded()))
	case *http2.RSTStreamFrame:
		return fmt.Sprintf("%s %d %v", name, h.StreamID, f.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Sprintf("%s %v", name, f.ErrCode)
	case *http2.WindowUpdateFrame:
		return fmt.Sprintf("%s %d %d", name, h.StreamID, f.Increment)
	}
	if h.Flags.Has(http2.FlagPingAck) {
		name += " ACK"
	}
	return name
}

// path decodes a block, and returns the path when it has come to its end.
func (p *peer) path(fragment []byte, ends bool) string {
	path := ""
	p.dec.SetEmitFunc(func(f hpack.HeaderField) {
		if f.Name == ":path" {
			path = " " + f.Value
		}
	})
	if _, err := p.dec.Write(fragment); err != nil {
		return " " + err.Error()
	}
	if ends {
		if err := p.dec.Close(); err != nil {
			return " " + err.Error()
		}
	}
	return path
}

func end(is bool) string {
	if is {
		return " END"
	}
	return ""
}

// expect checks what has come since it was last asked. Acknowledgements of settings
// are no surprise.
func (p *peer) expect(want ...string) {
	p.s.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var got []string
	for _, f := range p.seen {
		if f != "SETTINGS ACK" {
			got = append(got, f)
		}
	}
	p.seen = nil
	if diff := cmp.Diff(want, got); diff != "" {
		p.s.Errorf("frames (-want +got):\n%.2000s", diff)
	}
}

// do fails the test when a frame cannot be written.
func (p *peer) do(err error) {
	p.s.Helper()
	if err != nil {
		p.s.Fatal(err)
	}
}

// block makes a header block of "name: value" lines.
func (p *peer) block(lines ...string) []byte {
	p.buf.Reset()
	for _, l := range lines {
		name, value, _ := strings.Cut(l, "= ")
		_ = p.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	return bytes.Clone(p.buf.Bytes())
}

func (p *peer) headers(id uint32, ends bool, lines ...string) {
	p.s.Helper()
	p.do(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(lines...), EndHeaders: true, EndStream: ends}))
}

// answer answers a stream with 200 and a body.
func (p *peer) answer(id uint32, body string) {
	p.s.Helper()
	p.headers(id, false, ":status= 200")
	p.do(p.WriteData(id, true, []byte(body)))
}
