package fake_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/internal/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestManyClientsAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	const clients, senders, each = 4, 8, 20
	s := start(t, fake.Options{TLS: true, Log: new(buffer), Script: script(t, `{"token":"*-7","answer":"unregistered"},{"nth":2,"answer":"unavailable"}`)})
	heard, stop := s.Subscribe(clients*senders*each*2 + clients)
	defer stop()
	var running sync.WaitGroup
	for one := range clients {
		c := client(t, s)
		push(t, c, s, fmt.Sprint("prime-", one)) // so that the senders share one connection
		for sender := range senders {
			running.Go(func() {
				for i := range each {
					for range 2 {
						push(t, c, s, fmt.Sprintf("%d-%d-%d", one, sender, i))
					}
				}
			})
		}
	}
	for range 20 { // readers race with them
		s.Stats()
		s.Requests()
		s.Counts()
	}
	running.Wait()
	const targets = clients * senders * each
	const gone = clients * senders // the tokens that end in -7
	got := s.Stats()
	want := fake.Stats{Requests: 2*targets + clients, Accepted: targets - gone + clients}
	if got.Requests != want.Requests || got.Accepted != want.Accepted || got.Answers["unregistered"] != 2*gone || got.Answers["unavailable"] != targets-gone {
		t.Errorf("counted %+v, want %d requests, %d accepted, %d gone", got, want.Requests, want.Accepted, 2*gone)
	}
	if got.Connections != clients || got.MaxStreamsOfOne < 1 || got.MaxStreamsOfOne > senders || got.Streams != 0 || got.Missed != 0 {
		t.Errorf("counted %+v, want %d connections of up to %d streams", got, clients, senders)
	}
	if len(heard) != int(want.Requests) || len(s.Counts()) != targets+clients {
		t.Errorf("heard of %d requests and %d targets", len(heard), len(s.Counts()))
	}
}

func TestRequestsInWorkAreCounted(t *testing.T) {
	t.Parallel()
	everyProtocol(t, fake.Options{Script: script(t, `{"token":"s","answer":"stall"}`)}, func(t *testing.T, s *fake.Server, c *http.Client, proto string) {
		t.Helper()
		push(t, c, s, "prime")
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		for range 3 {
			r := request(t, http.MethodPost, s.URL()+"/demo", "s").WithContext(ctx)
			running.Go(func() { _, _ = do(c, r) })
		}
		if err := s.Await(deadline(t), func(now fake.Stats) bool { return now.Requests == 4 }); err != nil {
			t.Fatal(err)
		}
		ofOne := int64(3)
		if proto == "HTTP/1.1" {
			ofOne = 1
		}
		if got := s.Stats(); got.Streams != 3 || got.MaxStreams != 3 || got.MaxStreamsOfOne != ofOne {
			t.Errorf("counted %+v, want three in work, %d on one connection", got, ofOne)
		}
	})
}

// TestUnansweredPushesAreCounted: a push that is taken and whose sender learns nothing of
// it is in doubt; one that is not taken is not.
func TestUnansweredPushesAreCounted(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{TLS: true, Script: script(t, `{"token":"slow","latency":"1h"},{"token":"lost","answer":"reset","deliver":true},{"token":"stall","answer":"stall"}`)})
	c := client(t, s)
	push(t, c, s, "answered")
	if _, err := do(c, request(t, http.MethodPost, s.URL()+"/demo", "lost")); err == nil {
		t.Error("a push whose answer is lost was answered")
	}
	var running sync.WaitGroup
	for _, token := range []string{"slow", "slow", "stall"} {
		r := request(t, http.MethodPost, s.URL()+"/demo", token)
		running.Go(func() { _, _ = do(c, r) })
	}
	if err := s.Await(deadline(t), func(now fake.Stats) bool { return now.Requests == 5 }); err != nil {
		t.Fatal(err)
	}
	s.Connections(fake.DoCut)
	running.Wait()
	if got := s.Stats(); got.Accepted != 4 || got.Unanswered != 3 {
		t.Errorf("counted %+v, want 4 accepted, of which 3 are unanswered", got)
	}
}

func TestTheStreamLimitIsAnnounced(t *testing.T) {
	t.Parallel()
	for _, limit := range []uint32{0, 7, 250} {
		want := limit
		if limit == 0 {
			want = 100
		}
		s := start(t, fake.Options{TLS: true, MaxStreams: limit})
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(s.CAPEM())
		addr := strings.TrimPrefix(s.URL(), "https://")
		nc, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = nc.Close() }()
		if got := nc.ConnectionState().NegotiatedProtocol; got != "h2" {
			t.Errorf("ALPN chose %q, want h2", got)
		}
		framer := http2.NewFramer(nc, nc)
		if _, err := nc.Write([]byte(http2.ClientPreface)); err != nil {
			t.Fatal(err)
		}
		if err := framer.WriteSettings(); err != nil {
			t.Fatal(err)
		}
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		settings, ok := frame.(*http2.SettingsFrame)
		if got, _ := settings.Value(http2.SettingMaxConcurrentStreams); !ok || got != want {
			t.Errorf("announced %d in %v, want %d", got, frame, want)
		}
	}
}

func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	made := start(t, fake.Options{TLS: true})
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(cert, made.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := launch(fake.Options{CertFile: cert, KeyFile: cert}); err == nil {
		t.Error("started with a certificate for a key")
	}
	writeOwnCertificate(t, cert, key)
	s := start(t, fake.Options{CertFile: cert, KeyFile: key})
	if !strings.HasPrefix(s.URL(), "https://") {
		t.Errorf("URL %s, want https", s.URL())
	}
	if got := push(t, client(t, s), s, "a"); got.status != 200 {
		t.Errorf("%d, want 200", got.status)
	}
}

// writeOwnCertificate takes the pair of net/http/httptest.
func writeOwnCertificate(t *testing.T, cert, key string) {
	t.Helper()
	unstarted := httptest.NewUnstartedServer(nil)
	unstarted.StartTLS()
	defer unstarted.Close()
	pair := unstarted.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := launch(fake.Options{Addr: "nowhere", CertFile: "x", Latency: -1})
	for _, want := range []string{"write host:port", "give both files", "can't be negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	s := start(t, fake.Options{})
	if _, err := launch(fake.Options{Addr: strings.TrimPrefix(s.URL(), "http://")}); err == nil || !strings.Contains(err.Error(), "choose a free address") {
		t.Errorf("%v for a taken address", err)
	}
}

func TestCloseEndsWhatIsInWork(t *testing.T) {
	t.Parallel()
	everyProtocol(t, fake.Options{Script: script(t, `{"answer":"stall"}`)}, func(t *testing.T, s *fake.Server, c *http.Client, _ string) {
		t.Helper()
		failed := make(chan error, 1)
		r := request(t, http.MethodPost, s.URL()+"/demo", "a")
		go func() {
			_, err := do(c, r)
			failed <- err
		}()
		if err := s.Await(deadline(t), func(now fake.Stats) bool { return now.Requests > 0 }); err != nil {
			t.Fatal(err)
		}
		silent, err := net.Dial("tcp", strings.SplitN(s.URL(), "//", 2)[1]) // says nothing at all
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = silent.Close() }()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-failed; err == nil {
			t.Error("the request was answered")
		}
	})
}
