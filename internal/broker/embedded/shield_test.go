package embedded_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/embedded"
)

// certify writes a certificate for 127.0.0.1 that signs itself, and its key.
func certify(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "embedded"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shielded starts a server that other machines could reach.
func shielded(t *testing.T) (s *embedded.Server, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certify(t, cert, key)
	s = start(t, embedded.Options{Addr: "0.0.0.0:0", DataDir: t.TempDir(), Token: "let-me-in", CertFile: cert, KeyFile: key})
	return s, cert, key
}

func TestShielded(t *testing.T) {
	t.Parallel()
	s, cert, _ := shielded(t)
	ca := nats.RootCAs(cert)
	tests := map[string]struct {
		url     string
		options []nats.Option
		refused bool
	}{
		"token and TLS":     {s.ClientURL(), []nats.Option{ca, nats.Token("let-me-in")}, false},
		"in this process":   {nats.DefaultURL, []nats.Option{nats.InProcessServer(s.InProcess()), nats.Token("let-me-in")}, false},
		"no token":          {s.ClientURL(), []nats.Option{ca}, true},
		"another token":     {s.ClientURL(), []nats.Option{ca, nats.Token("open")}, true},
		"unknown authority": {s.ClientURL(), []nats.Option{nats.Token("let-me-in")}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc, err := nats.Connect(test.url, test.options...)
			if err == nil {
				nc.Close()
			}
			if (err != nil) != test.refused {
				t.Errorf("connecting: %v, want it refused: %t", err, test.refused)
			}
		})
	}
}

func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	s, cert, key := shielded(t)
	certify(t, cert, key)
	nc, err := nats.Connect(s.ClientURL(), nats.RootCAs(cert), nats.Token("let-me-in"))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}

func TestBadCertificate(t *testing.T) {
	t.Parallel()
	_, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: t.TempDir(), CertFile: "shield_test.go", KeyFile: "shield_test.go"})
	wantError(t, err, "PUSHWORKER_EMBEDDED_CERT_FILE")
}
