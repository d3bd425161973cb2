package h2post_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// foreign is a server of HTTP/2 that others have written.
type foreign struct {
	program, install string
	args             func(t *testing.T, dir, port string) []string
}

// TestNghttpd: nghttpd answers with what it was sent. It is not compared with net/http,
// some of whose long requests it leaves without an answer on a busy machine.
func TestNghttpd(t *testing.T) {
	t.Parallel()
	echo := foreign{"nghttpd", "nghttp2-server", func(_ *testing.T, dir, port string) []string {
		return []string{"--echo-upload", "-a", "127.0.0.1", "-d", dir, port, filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")}
	}}
	const n = 1000 // it writes each body to a file
	request := requests()
	for i, got := range posts(newClient(t, echo.start(t)), n, request) {
		body := string(request(i).Body)
		if want := (result{Outcome: h2post.Answered, Status: http.StatusOK, Body: body[:min(len(body), 64<<10)]}); got != want {
			t.Fatalf("request %d: %d, %v, %d bytes; want %d bytes", i, got.Status, got.Err, len(got.Body), len(want.Body))
		}
	}
}

// TestSameAsNetHTTPAtNginx: nginx answers before it has read a body, allows few streams,
// and ends each connection after 500 requests.
func TestSameAsNetHTTPAtNginx(t *testing.T) {
	t.Parallel()
	nginx := foreign{"nginx", "nginx-light", func(t *testing.T, dir, port string) []string {
		t.Helper()
		config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
			events { worker_connections 512; }
			http {
				access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
				uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
				server {
					listen 127.0.0.1:%[2]s ssl http2; ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;
					http2_max_concurrent_streams 20; keepalive_requests 500; client_max_body_size 1m;
					location /v1/ { return 200 "one"; }
					location /v2/ { return 404 "two"; }
					location /3/ { return 410 "{\"reason\":\"Unregistered\"}"; }
				}
			}`, dir, port)
		if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"-e", filepath.Join(dir, "error.log"), "-p", dir, "-c", filepath.Join(dir, "nginx.conf")}
	}}
	same(t, nginx.start(t), 10_000, requests())
}

// start starts the server and waits until it listens.
func (f foreign) start(t *testing.T) h2post.Options {
	t.Helper()
	program, err := exec.LookPath(f.program)
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/" + f.program)
	}
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatalf("%s is missing: .ci/run must run apt-get install %s", f.program, f.install)
	case err != nil:
		t.Skipf("%s is missing: apt-get install %s", f.program, f.install)
	}
	dir := t.TempDir()
	roots := certify(t, dir)
	addr := free(t)
	_, port, _ := net.SplitHostPort(addr)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, f.args(t, dir, port)...)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		_ = log.Close()
	})
	listens(t, addr, log.Name())
	return h2post.Options{ // on a busy machine a server is slow, and not dead
		Authority: addr, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, PingWait: patience, WriteTimeout: patience,
	}
}

// listens waits until somebody listens at addr.
func listens(t *testing.T, addr, log string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); ; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-end:
			said, _ := os.ReadFile(log)
			t.Fatalf("the server does not listen: %v; it said: %s", err, said)
		}
	}
}

// certify leaves the certificate of Go's test servers in dir.
func certify(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return roots
}

// free is an address at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
