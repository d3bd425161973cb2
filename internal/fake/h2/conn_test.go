package h2_test

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/pushworker/pushworker/internal/fake/h2"
)

// patience bounds every wait; nothing but a failure waits so long.
const patience = 2 * time.Minute

// peer is a client that speaks in single frames.
type peer struct {
	t      *testing.T
	nc     net.Conn
	framer *http2.Framer
	block  bytes.Buffer
	enc    *hpack.Encoder
	conn   *h2.Conn
	ended  chan error
}

// connect serves one end of a TCP connection and greets from the other.
func connect(t *testing.T, cfg h2.Config, settings ...http2.Setting) *peer {
	t.Helper()
	p := dial(t, cfg)
	if _, err := p.nc.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	p.must(p.framer.WriteSettings(settings...))
	if f, ok := p.next().(*http2.SettingsFrame); !ok || f.IsAck() {
		t.Fatalf("the server began with %v, want its settings", f)
	}
	if f, ok := p.next().(*http2.WindowUpdateFrame); !ok || f.StreamID != 0 {
		t.Fatalf("the server went on with %v, want the connection's window", f)
	}
	if f, ok := p.next().(*http2.SettingsFrame); !ok || !f.IsAck() {
		t.Fatalf("the server went on with %v, want an acknowledgement", f)
	}
	return p
}

func dial(t *testing.T, cfg h2.Config) *peer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = 100
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	p := &peer{t: t, nc: client, framer: http2.NewFramer(client, client), ended: make(chan error, 1)}
	p.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.enc = hpack.NewEncoder(&p.block)
	p.conn = h2.New(server, bufio.NewReader(server), &cfg)
	go func() { p.ended <- p.conn.Serve() }()
	t.Cleanup(func() {
		_ = client.Close()
		p.conn.Close()
		if !t.Failed() {
			p.end()
		}
	})
	p.must(client.SetDeadline(time.Now().Add(patience)))
	return p
}

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// end waits until the connection is served.
func (p *peer) end() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
	case <-time.After(patience):
		p.t.Fatal("the connection is still being served")
	}
}

func (p *peer) next() http2.Frame {
	p.t.Helper()
	f, err := p.framer.ReadFrame()
	p.must(err)
	return f
}

// request opens a stream.
func (p *peer) request(id uint32, end bool, fields ...string) {
	p.t.Helper()
	p.block.Reset()
	all := append([]string{":method", "POST", ":scheme", "http", ":authority", "x", ":path", "/p?q"}, fields...)
	for i := 0; i < len(all); i += 2 {
		p.must(p.enc.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]}))
	}
	p.must(p.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: p.block.Bytes(), EndHeaders: true, EndStream: end,
	}))
}

// answer reads a whole answer: header fields and body.
func (p *peer) answer(id uint32) (map[string]string, string) {
	p.t.Helper()
	head, ok := p.next().(*http2.MetaHeadersFrame)
	if !ok || head.StreamID != id {
		p.t.Fatalf("got %v, want the header fields of stream %d", head, id)
	}
	fields := make(map[string]string)
	for _, f := range head.Fields {
		fields[f.Name] = f.Value
	}
	var body []byte
	for ended := head.StreamEnded(); !ended; {
		data, ok := p.next().(*http2.DataFrame)
		if !ok || data.StreamID != id {
			p.t.Fatalf("got %v, want data of stream %d", data, id)
		}
		body = append(body, data.Data()...)
		ended = data.StreamEnded()
	}
	return fields, string(body)
}

// wantReset reads RST_STREAM.
func (p *peer) wantReset(id uint32, code http2.ErrCode) {
	p.t.Helper()
	f := p.next()
	reset, ok := f.(*http2.RSTStreamFrame)
	if !ok || reset.StreamID != id || reset.ErrCode != code {
		p.t.Fatalf("got %v, want RST_STREAM of %d with %v", f, id, code)
	}
}

// wantGoAway reads GOAWAY and then the end of the connection.
func (p *peer) wantGoAway(last uint32, code http2.ErrCode) {
	p.t.Helper()
	f := p.next()
	away, ok := f.(*http2.GoAwayFrame)
	if !ok || away.LastStreamID != last || away.ErrCode != code {
		p.t.Fatalf("got %v, want GOAWAY after %d with %v", f, last, code)
	}
}

func (p *peer) wantEnd() {
	p.t.Helper()
	if f, err := p.framer.ReadFrame(); err == nil {
		p.t.Fatalf("got %v, want the end of the connection", f)
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatal("the connection is still open")
	}
}

func echo(s *h2.Stream) {
	s.Answer(200, []h2.Field{{Name: "method", Value: s.Method}, {Name: "path", Value: s.Path}, {Name: "x-a", Value: s.Header("x-a")}}, s.Body)
}

func TestAnswersARequestWithItsBody(t *testing.T) {
	t.Parallel()
	p := connect(t, h2.Config{Handle: echo})
	p.request(1, false, "x-a", strings.Repeat("v", 300))
	p.must(p.framer.WriteDataPadded(1, false, []byte("one "), make([]byte, 9)))
	p.must(p.framer.WriteData(1, true, []byte("two")))
	fields, body := p.answer(1)
	want := map[string]string{":status": "200", "method": "POST", "path": "/p?q", "x-a": strings.Repeat("v", 300)}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
	if body != "one two" {
		t.Errorf("body %q, want %q", body, "one two")
	}
}

func TestAnswersWithFieldsOfEveryLength(t *testing.T) {
	t.Parallel()
	p := connect(t, h2.Config{Handle: echo})
	for i, n := range []int{0, 1, 126, 127, 128, 254, 255, 256, 16_000} { // the prefix of a length has seven bits
		id := uint32(2*i + 1)
		want := strings.Repeat("v", n)
		p.request(id, true, "x-a", want)
		if fields, _ := p.answer(id); fields["x-a"] != want {
			t.Errorf("a field of %d bytes came back with %d", n, len(fields["x-a"]))
		}
	}
}

func TestAnswersWithEveryStatusAndAnEmptyBody(t *testing.T) {
	t.Parallel()
	status := make(chan int, 1)
	p := connect(t, h2.Config{Handle: func(s *h2.Stream) { s.Answer(<-status, nil, nil) }})
	id := uint32(1)
	for _, code := range []int{200, 204, 400, 404, 429, 500, 503} {
		status <- code
		p.request(id, true)
		fields, body := p.answer(id)
		if got := fields[":status"]; got != itoa(code) || body != "" {
			t.Errorf("status %s and body %q, want %d and none", got, body, code)
		}
		id += 2
	}
}

func itoa(code int) string {
	return string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
}

func TestAnnouncesAndKeepsTheStreamLimit(t *testing.T) {
	t.Parallel()
	held := make(chan *h2.Stream, 3)
	p := dial(t, h2.Config{Handle: func(s *h2.Stream) { held <- s }, MaxStreams: 2})
	_, err := p.nc.Write([]byte(http2.ClientPreface))
	p.must(err)
	p.must(p.framer.WriteSettings())
	settings, ok := p.next().(*http2.SettingsFrame)
	if !ok {
		t.Fatal("the server did not begin with its settings")
	}
	if limit, _ := settings.Value(http2.SettingMaxConcurrentStreams); limit != 2 {
		t.Errorf("announced %d streams, want 2", limit)
	}
	p.next()
	p.next()
	p.request(1, true)
	p.request(3, true)
	p.request(5, true)
	p.wantReset(5, http2.ErrCodeRefusedStream)
	first := <-held
	first.Answer(204, nil, nil)
	first.Conn().Flush()
	p.answer(1)
	p.request(7, true) // there is room again
	<-held
	if s := <-held; s.ID != 7 {
		t.Errorf("handled stream %d, want 7", s.ID)
	}
}

func TestResetsAStreamWithTheCodeAndGoesOn(t *testing.T) {
	t.Parallel()
	p := connect(t, h2.Config{Handle: func(s *h2.Stream) {
		if s.ID == 3 {
			echo(s)
			return
		}
		s.Reset(http2.ErrCodeInternal)
		s.Reset(http2.ErrCodeCancel) // the first wins
		echo(s)
	}})
	p.request(1, true)
	p.wantReset(1, http2.ErrCodeInternal)
	p.request(3, true)
	p.answer(3)
}

func TestGoAwayAnswersWhatIsInWorkAndNothingMore(t *testing.T) {
	t.Parallel()
	held := make(chan *h2.Stream, 2)
	p := connect(t, h2.Config{Handle: func(s *h2.Stream) { held <- s }})
	p.request(1, true)
	s := <-held
	p.conn.GoAway("bye")
	p.conn.GoAway("bye") // says it once
	p.wantGoAway(1, http2.ErrCodeNo)
	p.request(3, false) // on its way when the client read GOAWAY
	p.must(p.framer.WriteData(3, true, []byte("x")))
	p.must(p.framer.WritePing(false, [8]byte{1}))
	if f, ok := p.next().(*http2.PingFrame); !ok || !f.IsAck() {
		t.Fatal("no answer to a ping after GOAWAY")
	}
	s.Answer(200, nil, []byte("late"))
	p.conn.Flush()
	if _, body := p.answer(1); body != "late" {
		t.Errorf("body %q, want %q", body, "late")
	}
	p.wantEnd()
	_ = p.nc.Close()
	p.end()
	if len(held) > 0 {
		t.Errorf("stream %d was handled after GOAWAY", (<-held).ID)
	}
}

func TestSendsWithinThePeersWindows(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789"), 10_000)
	p := connect(t, h2.Config{Handle: func(s *h2.Stream) { s.Answer(200, nil, body) }},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: 5})
	p.request(1, true)
	p.next() // header fields
	if f, ok := p.next().(*http2.DataFrame); !ok || len(f.Data()) != 5 {
		t.Fatalf("got %v, want five bytes", f)
	}
	p.must(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})) // counts for open streams
	got := 5
	for got < len(body) {
		switch f := p.next().(type) {
		case *http2.DataFrame:
			got += len(f.Data())
			if got == 65535 { // the connection's window is used up
				p.must(p.framer.WriteWindowUpdate(0, 1<<20))
			}
			if f.StreamEnded() != (got == len(body)) {
				t.Fatalf("ended at %d of %d bytes", got, len(body))
			}
		case *http2.SettingsFrame:
		default:
			t.Fatalf("got %v, want data", f)
		}
	}
}

func TestForgetsAStreamThatThePeerResets(t *testing.T) {
	t.Parallel()
	held, closed := make(chan *h2.Stream, 1), make(chan struct{}, 1)
	p := connect(t, h2.Config{
		Handle: func(s *h2.Stream) { held <- s },
		Closed: func() { closed <- struct{}{} },
	})
	p.request(1, true)
	s := <-held
	p.must(p.framer.WriteRSTStream(1, http2.ErrCodeCancel))
	<-closed
	s.Answer(200, nil, []byte("too late"))
	p.conn.Flush()
	p.must(p.framer.WritePing(false, [8]byte{}))
	if f, ok := p.next().(*http2.PingFrame); !ok || !f.IsAck() {
		t.Fatalf("got %v, want the ping's answer and nothing of stream 1", f)
	}
}

func TestRefillsTheWindowsOfARequest(t *testing.T) {
	t.Parallel()
	const total = 2 << 20 // more than both windows hold at first
	size := make(chan int, 1)
	p := connect(t, h2.Config{MaxBody: total, Handle: func(s *h2.Stream) { size <- len(s.Body); s.Answer(204, nil, nil) }})
	p.request(1, false)
	chunk := make([]byte, 16<<10)
	granted := map[uint32]int{0: 65535 + 1<<20, 1: 65535}
	for sent := 0; sent < total; sent += len(chunk) {
		for granted[0] < len(chunk) || granted[1] < len(chunk) {
			if f, ok := p.next().(*http2.WindowUpdateFrame); ok {
				granted[f.StreamID] += int(f.Increment)
			}
		}
		granted[0] -= len(chunk)
		granted[1] -= len(chunk)
		p.must(p.framer.WriteData(1, sent+len(chunk) == total, chunk))
	}
	if got := <-size; got != total {
		t.Errorf("the handler got %d bytes, want %d", got, total)
	}
}

func TestTheEndOfAConnectionEndsItsStreams(t *testing.T) {
	t.Parallel()
	held, closed := make(chan *h2.Stream, 2), make(chan struct{}, 2)
	p := connect(t, h2.Config{
		Handle: func(s *h2.Stream) { held <- s },
		Closed: func() { closed <- struct{}{} },
	})
	p.request(1, true)
	p.request(3, true)
	s := <-held
	<-held
	_ = p.nc.Close()
	p.end()
	if len(closed) != 2 {
		t.Errorf("%d streams were closed, want both", len(closed))
	}
	s.Answer(200, nil, []byte("too late")) // is harmless
	p.conn.Flush()
}

func TestStreamFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*peer)
		code http2.ErrCode
	}{
		"body too large": {func(p *peer) { p.request(1, false); p.must(p.framer.WriteData(1, true, make([]byte, 11))) }, http2.ErrCodeEnhanceYourCalm},
		"body not as long": {func(p *peer) {
			p.request(1, false, "content-length", "3")
			p.must(p.framer.WriteData(1, true, []byte("x")))
		}, http2.ErrCodeProtocol},
		"connection header":   {func(p *peer) { p.request(1, true, "connection", "close") }, http2.ErrCodeProtocol},
		"te":                  {func(p *peer) { p.request(1, true, "te", "gzip") }, http2.ErrCodeProtocol},
		"header in capitals":  {func(p *peer) { p.request(1, true, "Upper", "x") }, http2.ErrCodeProtocol},
		"header list too big": {func(p *peer) { p.request(1, true, "big", strings.Repeat("v", 16000), "more", strings.Repeat("v", 400)) }, http2.ErrCodeEnhanceYourCalm},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, h2.Config{Handle: echo, MaxBody: 10})
			c.do(p)
			p.wantReset(1, c.code)
			p.request(3, true)
			p.answer(3) // the connection goes on
		})
	}
}

func TestConnectionFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*peer)
		last uint32
		code http2.ErrCode
	}{
		"even stream":         {func(p *peer) { p.request(2, true) }, 0, http2.ErrCodeProtocol},
		"stream used twice":   {func(p *peer) { p.request(3, true); p.answer(3); p.request(1, true) }, 3, http2.ErrCodeProtocol},
		"data of no stream":   {func(p *peer) { p.must(p.framer.WriteData(1, true, nil)) }, 0, http2.ErrCodeProtocol},
		"reset of no stream":  {func(p *peer) { p.must(p.framer.WriteRSTStream(1, http2.ErrCodeCancel)) }, 0, http2.ErrCodeProtocol},
		"window of no stream": {func(p *peer) { p.must(p.framer.WriteWindowUpdate(1, 1)) }, 0, http2.ErrCodeProtocol},
		"window too large":    {func(p *peer) { p.must(p.framer.WriteWindowUpdate(0, 1<<31-1)) }, 0, http2.ErrCodeFlowControl},
		"frame too large":     {func(p *peer) { p.must(p.framer.WriteRawFrame(http2.FrameData, 0, 1, make([]byte, 16385))) }, 0, http2.ErrCodeFrameSize},
		"push": {func(p *peer) {
			p.must(p.framer.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: []byte{0x82}, EndHeaders: true}))
		}, 0, http2.ErrCodeProtocol},
		"settings out of range": {func(p *peer) { p.must(p.framer.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1})) }, 0, http2.ErrCodeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, h2.Config{Handle: echo})
			c.do(p)
			p.wantGoAway(c.last, c.code)
			p.wantEnd()
		})
	}
}

func TestRefusesWhatIsNoHTTP2(t *testing.T) {
	t.Parallel()
	p := dial(t, h2.Config{Handle: echo})
	_, err := p.nc.Write([]byte("POST / HTTP/1.1\r\nHost: somewhere\r\n\r\n"))
	p.must(err)
	if err := <-p.ended; err == nil || !strings.Contains(err.Error(), "preface") {
		t.Errorf("Serve returned %v, want a word about the preface", err)
	} else {
		p.ended <- err
	}
}

func TestAbortLooksLikeAResetAndCloseLikeAnEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*h2.Conn)
		want string
	}{
		"abort": {(*h2.Conn).Abort, "reset"},
		"close": {(*h2.Conn).Close, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, h2.Config{Handle: func(s *h2.Stream) { c.do(s.Conn()) }})
			p.request(1, true)
			if _, err := p.framer.ReadFrame(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the client read %v, want %q", err, c.want)
			}
			p.end()
		})
	}
}

func TestFreezeAnswersNothingUntilClosed(t *testing.T) {
	t.Parallel()
	held := make(chan *h2.Stream, 1)
	p := connect(t, h2.Config{Handle: func(s *h2.Stream) { held <- s }})
	p.request(1, true)
	s := <-held
	p.conn.Freeze()
	s.Answer(204, nil, nil)
	p.conn.Flush()
	p.must(p.framer.WritePing(false, [8]byte{}))
	p.must(p.nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
	if f, err := p.framer.ReadFrame(); err == nil {
		t.Errorf("got %v from a frozen connection", f)
	} else if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want silence", err)
	}
	p.conn.Close()
	p.end()
}

// TestSetStreams: a higher number counts at once, a lower one when the peer knows it.
func TestSetStreams(t *testing.T) {
	t.Parallel()
	held := make(chan *h2.Stream, 9)
	p := connect(t, h2.Config{Handle: func(s *h2.Stream) { held <- s }, MaxStreams: 1})
	announce := func(n uint32) {
		t.Helper()
		p.conn.SetStreams(n)
		p.conn.Flush()
		f, ok := p.next().(*http2.SettingsFrame)
		if !ok {
			t.Fatalf("the server says %v, want its settings", f)
		}
		if got, _ := f.Value(http2.SettingMaxConcurrentStreams); got != n {
			t.Errorf("announced are %d streams, want %d", got, n)
		}
	}
	announce(2)
	p.request(1, true)
	p.request(3, true)
	<-held
	second := <-held
	announce(1)
	p.must(p.framer.WriteSettingsAck())
	second.Reset(http2.ErrCodeCancel)
	p.conn.Flush()
	p.wantReset(3, http2.ErrCodeCancel)
	p.request(5, true)
	p.wantReset(5, http2.ErrCodeRefusedStream)
}
