package admin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/admin"
)

// serve runs a server until the test ends and returns its port's address on
// loopback.
func serve(t *testing.T, o admin.Options) string {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Status == nil {
		o.Status = func() admin.Status { return admin.Status{} }
	}
	server, err := admin.Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v after its context ended", err)
		}
	})
	_, port, _ := strings.Cut(server.Addr(), "]:") // [::]:port
	if port == "" {
		_, port, _ = strings.Cut(server.Addr(), ":")
	}
	return "127.0.0.1:" + port
}

type answer struct {
	Code int
	Body string
	http.Header
}

// ask sends a request; headers alternate names and values.
func ask(t *testing.T, method, url string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	req.Host = req.Header.Get("Host") // where Go's client looks for it
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body), resp.Header}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	passes := func(context.Context) error { return nil }
	fails := func(context.Context) error { return errors.New("lost: start it\nagain") }
	good := []admin.Check{{"broker", passes}, {"lane fcm", passes}}
	bad := []admin.Check{{"broker", fails}, {"lane fcm", passes}}
	tests := map[string]struct {
		checks []admin.Check
		route  string
		code   int
		body   string
	}{
		"alive":              {good, "/livez", 200, "ok\n"},
		"alive though lost":  {bad, "/livez", 200, "ok\n"},
		"ready":              {good, "/readyz", 200, "ok\n"},
		"ready, verbose":     {good, "/readyz?verbose", 200, "[+] broker\n[+] lane fcm\nok\n"},
		"not ready":          {bad, "/readyz", 503, "[-] broker: lost: start it; again\n[+] lane fcm\nnot ready\n"},
		"not ready, verbose": {bad, "/readyz?verbose", 503, "[-] broker: lost: start it; again\n[+] lane fcm\nnot ready\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, http.MethodGet, "http://"+serve(t, admin.Options{Ready: test.checks})+test.route)
			if got.Code != test.code || got.Body != test.body {
				t.Errorf("%s: %d %q, want %d %q", test.route, got.Code, got.Body, test.code, test.body)
			}
		})
	}
}

func TestReadyzChecksEndWithTheirRequest(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan struct{})
	check := admin.Check{Name: "slow", Run: func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}}
	addr := serve(t, admin.Options{Ready: []admin.Check{check}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	_, err := admin.NewClient("http://"+addr, "", "").Read(ctx, "/readyz")
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Read returned %v", err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute): // nothing but a failure takes so long
		t.Fatal("the check still runs though nobody waits for it")
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	url := "http://" + serve(t, admin.Options{Pprof: true})
	for _, route := range []string{"/livez", "/readyz", "/metrics", "/status", "/debug/pprof/"} {
		if got := ask(t, http.MethodHead, url+route); got.Code != http.StatusOK || got.Body != "" {
			t.Errorf("HEAD %s: %d %q", route, got.Code, got.Body)
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			got := ask(t, method, url+route)
			if got.Code != http.StatusMethodNotAllowed || got.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, route, got.Code, got.Get("Allow"))
			}
		}
	}
}

func TestAnswersAreForNobodyElse(t *testing.T) {
	t.Parallel()
	url := "http://" + serve(t, admin.Options{})
	for _, route := range []string{"/livez", "/status", "/nothing"} {
		got := ask(t, http.MethodGet, url+route, "Origin", "https://evil.example")
		want := map[string]string{
			"Cache-Control":               "no-store",
			"Content-Security-Policy":     "default-src 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":      "nosniff",
			"Access-Control-Allow-Origin": "",
		}
		have := make(map[string]string)
		for name := range want {
			have[name] = got.Get(name)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("headers of %s (-want +got):\n%s", route, diff)
		}
	}
}

func TestMetricsServesTheGatherer(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	reg.MustRegister(admin.NewBuildInfo("v1.2.3", "abc", "go1"))
	got := ask(t, http.MethodGet, "http://"+serve(t, admin.Options{Metrics: reg})+"/metrics")
	want := `pushworker_build_info{goversion="go1",revision="abc",version="v1.2.3"} 1`
	if !strings.Contains(got.Body, want) {
		t.Errorf("/metrics lacks %s:\n%s", want, got.Body)
	}
}

func TestTakenAddress(t *testing.T) {
	t.Parallel()
	addr := serve(t, admin.Options{})
	_, err := admin.Listen(t.Context(), admin.Options{Addr: addr})
	if err == nil || !strings.Contains(err.Error(), "PUSHWORKER_ADMIN_ADDR") || !strings.Contains(err.Error(), addr) {
		t.Errorf("Listen on a taken address: %v", err)
	}
}

func TestRunLetsAnswersEnd(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	server, err := admin.Listen(t.Context(), admin.Options{
		Addr: "127.0.0.1:0", Metrics: prometheus.NewRegistry(),
		Ready: []admin.Check{{Name: "slow", Run: func(context.Context) error {
			close(begun)
			<-release
			return nil
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan answer, 1)
	go func() { ended <- server.Run(ctx) }()
	go func() { answered <- ask(t, http.MethodGet, "http://"+server.Addr()+"/readyz") }()
	<-begun
	stop()
	select {
	case err := <-ended:
		t.Fatalf("Run returned %v though an answer had begun", err)
	default:
	}
	close(release)
	if got := <-answered; got.Code != http.StatusOK {
		t.Errorf("the answer that had begun was %d %q", got.Code, got.Body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
}
