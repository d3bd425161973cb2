package linetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// answer is what a request gets.
type answer struct {
	status int
	body   string
	fault  fault
}

// fault is how a request gets no answer.
type fault int

const (
	none        fault = iota
	unprocessed       // the peer says so, or there is no connection
	reset
	cutOff
	cutBody
	silence
)

// script says what the next request gets.
type script struct{ next atomic.Pointer[answer] }

func (s *script) set(a answer) { s.next.Store(&a) }

func overNetHTTP(t *testing.T, s *script) *line.Wire {
	t.Helper()
	return line.WireOver(h2post.NewNetHTTP(t.Context(), "https://provider.example", 0, s))
}

// RoundTrip implements [http.RoundTripper].
func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	_ = req.Body.Close()
	a := s.next.Load()
	body := io.Reader(strings.NewReader(a.body))
	switch a.fault {
	case none:
	case unprocessed:
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	case reset:
		return nil, errors.New("connection reset by peer")
	case cutOff:
		return nil, io.ErrUnexpectedEOF
	case cutBody:
		a, body = &answer{status: http.StatusServiceUnavailable}, io.MultiReader(strings.NewReader("{"), broken{})
	case silence:
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Header: http.Header{}, Body: io.NopCloser(body), Request: req,
		Proto: "HTTP/2.0", ProtoMajor: 2,
	}, nil
}

// broken is a body that ends before its time.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func overH2Post(t *testing.T, s *script) *line.Wire {
	t.Helper()
	return line.WireOver(h2post.New(t.Context(), h2post.Options{
		Authority: "provider.example:80", Repeats: 2,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go s.serve(theirs)
			return ours, nil
		},
	}))
}

// serve is the peer of one connection: it reads requests frame by frame. Answers are
// written beside that, because a pipe holds nothing.
func (s *script) serve(c net.Conn) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(c, c)
	streams := make(chan uint32, 100)
	defer close(streams)
	go s.write(c, framer, streams)
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			return
		}
		if f.Header().Flags.Has(http2.FlagDataEndStream) && (f.Header().Type == http2.FrameData || f.Header().Type == http2.FrameHeaders) {
			streams <- f.Header().StreamID
		}
	}
}

func (s *script) write(c net.Conn, framer *http2.Framer, streams <-chan uint32) {
	defer func() { _ = c.Close() }()
	err := framer.WriteSettings()
	for stream := range streams {
		if err == nil {
			err = s.answer(framer, stream)
		}
		if err != nil {
			_ = c.Close() // and read on until that is noticed
		}
	}
}

var errCut = errors.New("the connection is cut")

// answer answers the request of a stream.
func (s *script) answer(by *http2.Framer, stream uint32) error {
	switch a := s.next.Load(); a.fault {
	case none:
		return a.write(by, stream)
	case unprocessed:
		return by.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
	case reset:
		return by.WriteRSTStream(stream, http2.ErrCodeInternal)
	case cutOff:
		return errCut
	case cutBody:
		return errors.Join(answer{status: http.StatusServiceUnavailable}.head(by, stream, false), by.WriteData(stream, false, []byte("{")), errCut)
	case silence:
	}
	return nil
}

func (a answer) write(by *http2.Framer, stream uint32) error {
	err := a.head(by, stream, a.body == "")
	for rest := a.body; rest != "" && err == nil; {
		part := rest[:min(len(rest), 16<<10)]
		rest = rest[len(part):]
		err = by.WriteData(stream, rest == "", []byte(part))
	}
	return err
}

func (a answer) head(by *http2.Framer, stream uint32, ends bool) error {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(a.status)})
	return by.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: ends})
}
