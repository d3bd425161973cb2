package h2post_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// inFlight is how many requests the benchmarks keep open.
const inFlight = 90

// load posts n requests, with as many open as a connection takes. Each is posted
// again by the callback of its answer.
func load(p h2post.Poster, n int) (failed int) {
	head := h2post.NewHead("/v1/projects/p/messages:send",
		h2post.Field{Name: "authorization", Value: "Bearer " + strings.Repeat("a", 200)}, h2post.Field{Name: "content-type", Value: "application/json"})
	body := []byte(`{"message":` + strings.Repeat("x", 600) + `}`)
	var all sync.WaitGroup
	var mu sync.Mutex
	left := n
	for range min(inFlight, n) {
		r := &h2post.Request{Head: head, Body: body}
		next := func() bool {
			mu.Lock()
			defer mu.Unlock()
			left--
			return left >= 0
		}
		r.Done = func(a *h2post.Answer) {
			if a.Status != http.StatusOK {
				mu.Lock()
				failed++
				mu.Unlock()
			}
			if next() {
				p.Post(r)
				return
			}
			all.Done()
		}
		if next() {
			all.Add(1)
			p.Post(r)
		}
	}
	all.Wait()
	return failed
}

func accept(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	_, _ = io.WriteString(w, `{"name":"projects/p/messages/0:1234567890"}`)
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPost measures both against net/http's server in this process, in turns: the
// processor time is the server's, too, which is why BenchmarkClient has another.
func BenchmarkPost(b *testing.B) {
	s := serve(b, accept)
	compare(b, optionsFor(s))
}

// compare runs both in turns, and reports what h2post needs of what net/http does.
func compare(b *testing.B, o h2post.Options) {
	b.Helper()
	one := newClient(b, o)
	transport := &http.Transport{TLSClientConfig: o.TLS.Clone(), ForceAttemptHTTP2: true, MaxConnsPerHost: 1, DisableCompression: true}
	two := h2post.NewNetHTTP(b.Context(), "https://"+o.Authority, 0, transport)
	defer closeIt(b, two)
	const turn = 5000
	load(one, 1000)
	load(two, 1000)
	var took, used [2]time.Duration
	for b.Loop() {
		for i, p := range []h2post.Poster{one, two} {
			began, before := time.Now(), cpu()
			if n := load(p, turn); n > 0 {
				b.Fatalf("%d failed", n)
			}
			took[i], used[i] = took[i]+time.Since(began), used[i]+cpu()-before
		}
	}
	posts := float64(b.N) * turn
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(used[0].Microseconds())/posts, "µs-h2post")
	b.ReportMetric(float64(used[1].Microseconds())/posts, "µs-net/http")
	b.ReportMetric(float64(used[0])/float64(used[1]), "cpu-ratio")
	b.ReportMetric(float64(took[1])/float64(took[0]), "rate-ratio")
}

// BenchmarkClient measures both against a peer that does next to nothing.
func BenchmarkClient(b *testing.B) {
	s := serve(b, accept)
	compare(b, lean(b, s.TLS))
}

// lean serves the same answer to whatever is posted, frame by frame; over TLS unless config is nil.
func lean(tb testing.TB, config *tls.Config) h2post.Options {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	o := h2post.Options{Authority: l.Addr().String()}
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{http2.NextProtoTLS}
		l = tls.NewListener(l, config)
		o.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { leanly(c); _ = c.Close() })
		}
	})
	tb.Cleanup(func() { _ = l.Close(); all.Wait() })
	return o
}

// leanly serves one connection.
func leanly(c io.ReadWriter) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	var out bytes.Buffer
	to := http2.NewFramer(&out, nil)
	var block strings.Builder
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	header, body := []byte(block.String()), []byte(`{"name":"projects/p/messages/0:1234567890"}`)
	_ = to.WriteSettings()
	buf, n := make([]byte, 64<<10), 0
	for {
		for n >= 9 { // all frames that are whole
			length := int(buf[0])<<16 | int(buf[1])<<8 | int(buf[2])
			if n < 9+length {
				break
			}
			if id := uint32(buf[5])<<24 | uint32(buf[6])<<16 | uint32(buf[7])<<8 | uint32(buf[8]); http2.FrameType(buf[3]) == http2.FrameData && length > 0 {
				_ = to.WriteWindowUpdate(0, uint32(length))
				_ = to.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: header, EndHeaders: true})
				_ = to.WriteData(id, true, body)
			} else if http2.FrameType(buf[3]) == http2.FrameSettings && buf[4] == 0 {
				_ = to.WriteSettingsAck()
			}
			n = copy(buf, buf[9+length:n])
		}
		if _, err := c.Write(out.Bytes()); err != nil {
			return
		}
		out.Reset()
		m, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		n += m
	}
}

// TestNoAllocations: a request and its answer allocate nothing. It is without TLS, which allocates
// for a record once in a while, and so the more for a request the fewer requests share a record.
func TestNoAllocations(t *testing.T) {
	c := newClient(t, lean(t, nil))
	load(c, 5000)
	var before, after runtime.MemStats
	const n = 100_000
	runtime.ReadMemStats(&before)
	load(c, n)
	runtime.ReadMemStats(&after)
	each := float64(after.Mallocs-before.Mallocs) / n
	t.Logf("%.4f allocations a request, the peer's included", each)
	if each > 0.05 {
		t.Errorf("%.4f allocations a request", each)
	}
}
