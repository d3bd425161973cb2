package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// listenAddress splits o.Addr and refuses what other machines can reach unshielded.
func listenAddress(o Options) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return "", 0, fmt.Errorf("PUSHWORKER_EMBEDDED_ADDR %q: %w: use host:port, for example 127.0.0.1:4222", o.Addr, err)
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("PUSHWORKER_EMBEDDED_ADDR %q: port %q is not a number from 0 to 65535", o.Addr, service)
	}
	if port = int(n); port == 0 {
		port = server.RANDOM_PORT
	}
	ip := net.ParseIP(host)
	shielded := o.Token != "" && o.CertFile != ""
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) && !shielded && !o.Insecure {
		return "", 0, fmt.Errorf("PUSHWORKER_EMBEDDED_ADDR %q can be reached by other machines: listen on 127.0.0.1, "+
			"or set PUSHWORKER_EMBEDDED_TOKEN with PUSHWORKER_EMBEDDED_CERT_FILE and PUSHWORKER_EMBEDDED_KEY_FILE, "+
			"or, in a network you trust, PUSHWORKER_EMBEDDED_INSECURE=true", o.Addr)
	}
	return host, port, nil
}

// probe tells a taken address before the store is opened.
func probe(ctx context.Context, addr string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err == nil {
		err = l.Close()
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s: set PUSHWORKER_EMBEDDED_ADDR to a free address, or, if it is a NATS server, PUSHWORKER_NATS_URL=nats://%s to use it: %w", addr, addr, err)
	case err != nil:
		return fmt.Errorf("listening on %s: %w: set PUSHWORKER_EMBEDDED_ADDR to an address of this machine", addr, err)
	}
	return nil
}

// checkCertificate reads the certificate once, so that a wrong one is told at the
// start and not to the first client.
func checkCertificate(o Options) error {
	if o.CertFile == "" && o.KeyFile == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile); err != nil {
		return fmt.Errorf("reading the embedded broker's certificate: %w: check PUSHWORKER_EMBEDDED_CERT_FILE and PUSHWORKER_EMBEDDED_KEY_FILE", err)
	}
	return nil
}

// tlsConfig is how clients of other processes are met; nil without a certificate.
func tlsConfig(o Options) *tls.Config {
	if o.CertFile == "" {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("reading the embedded broker's certificate: %w", err)
			}
			return &pair, nil
		},
	}
}
