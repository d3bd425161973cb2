package line

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestPlainEndpoints: an http:// endpoint is spoken to in the protocol that it knows,
// and each message reaches it once.
func TestPlainEndpoints(t *testing.T) {
	t.Parallel()
	both := new(http.Protocols)
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	for name, tt := range map[string]struct {
		protocols *http.Protocols
		want      int
	}{
		"HTTP/1.1 alone": {nil, 1},
		"both":           {both, 2},
	} {
		var got [3]atomic.Int64
		endpoint := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err == nil && string(body) == "message" {
				got[r.ProtoMajor].Add(1)
			}
		}))
		endpoint.Config.Protocols = tt.protocols
		endpoint.Start()
		p := NewConns(2*streamsPerConn, true, new(Meter).Dial, pingWait)
		var senders sync.WaitGroup
		for range 50 {
			senders.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint.URL, strings.NewReader("message"))
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := p.RoundTrip(req)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %d, %v", name, resp.StatusCode, err)
				}
			})
		}
		senders.Wait()
		if n := got[tt.want].Load(); n != 50 {
			t.Errorf("%s: %d messages by HTTP/%d, want 50", name, n, tt.want)
		}
		p.CloseIdleConnections()
		endpoint.Close()
	}
}

// TestPlainEndpointIsDown: that nobody listens says nothing about the protocol.
func TestPlainEndpointIsDown(t *testing.T) {
	t.Parallel()
	endpoint := httptest.NewServer(http.NotFoundHandler())
	endpoint.Close()
	p := NewConns(1, true, new(Meter).Dial, pingWait)
	defer p.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint.URL, strings.NewReader("message"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if err == nil || p.plain.version.Load() != 0 {
		t.Errorf("%v, HTTP/%d", err, p.plain.version.Load())
	}
}
