package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/pkg/push"
)

// dialTimeout bounds a connection and its greeting.
const dialTimeout = 5 * time.Second

// Network looks at the way to each server of the broker: its name, its port, its
// greeting and its certificate.
func Network(c *config.Config) Group {
	return Group{"network", func(ctx context.Context) []push.Finding {
		var found []push.Finding
		for server := range strings.SplitSeq(string(c.NATS.URL), ",") {
			if u, err := url.Parse(server); err == nil {
				found = append(found, way{c, u}.look(ctx)...)
			}
		}
		return found
	}}
}

// way is the way to one server.
type way struct {
	*config.Config

	url *url.URL
}

// port is where a server listens whose URL does not say.
func (w way) port() string {
	switch {
	case w.url.Port() != "":
		return w.url.Port()
	case w.url.Scheme == "ws":
		return "80"
	case w.url.Scheme == "wss":
		return "443"
	}
	return "4222"
}

func (w way) look(ctx context.Context) []push.Finding {
	host := w.url.Hostname()
	addr := net.JoinHostPort(host, w.port())
	var found []push.Finding
	if _, err := netip.ParseAddr(host); err != nil {
		ips, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return []push.Finding{fail("dns", host+" has no address: "+err.Error(), "check the name in PUSHWORKER_NATS_URL and this machine's resolver")}
		}
		found = append(found, ok("dns", host+" is "+strings.Join(ips, ", ")))
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return append(found, fail("tcp", addr+" cannot be reached: "+err.Error(), "check that the broker runs there, PUSHWORKER_NATS_URL and firewalls"))
	}
	defer func() { _ = conn.Close() }() // only looked at
	found = append(found, ok("tcp", addr+" can be reached"))
	if strings.HasPrefix(w.url.Scheme, "ws") {
		return found // its greeting comes after HTTP
	}
	return append(found, w.greeting(ctx, conn)...)
}

// greeting reads the server's first line, which comes before TLS.
func (w way) greeting(ctx context.Context, conn net.Conn) []push.Finding {
	if end, is := ctx.Deadline(); is {
		_ = conn.SetDeadline(end) // reading fails anyway if this does
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	text, is := strings.CutPrefix(line, "INFO ")
	if err != nil || !is {
		return []push.Finding{fail("greeting", w.url.Host+" does not speak NATS", "check the port in PUSHWORKER_NATS_URL")}
	}
	var info struct {
		Version     string `json:"version"`
		JetStream   bool   `json:"jetstream"`
		TLSRequired bool   `json:"tls_required"`
	}
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return []push.Finding{fail("greeting", w.url.Host+" does not speak a known version of NATS", "use nats-server 2.12 or newer")}
	}
	found := []push.Finding{versionFinding(info.Version)}
	if !info.JetStream {
		found = append(found, fail("jetstream", "the server runs without JetStream", "start nats-server with -js"))
	}
	if info.TLSRequired || w.url.Scheme == "tls" {
		return append(found, w.handshake(ctx, conn))
	}
	if ip, err := netip.ParseAddr(w.url.Hostname()); w.url.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		found = append(found, warn("tls", "receipts and passwords go to "+w.url.Host+" unencrypted", "give the server a certificate and use tls:// in PUSHWORKER_NATS_URL"))
	}
	return found
}

// versionFinding judges a server's version: retries need schedules, which came with
// 2.12, and releases before 2.12.7 have advisories.
func versionFinding(version string) push.Finding {
	var major, minor, patch int
	_, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch)
	switch {
	case err != nil:
		return warn("version", "the server's version cannot be read", "use nats-server 2.12.7 or newer")
	case major < 2 || major == 2 && minor < 12:
		return fail("version", "nats-server "+version+" cannot schedule retries", "use 2.12.7 or newer")
	case major == 2 && minor == 12 && patch < 7:
		return warn("version", "nats-server "+version+" has known security holes", "use 2.12.7 or newer")
	}
	return ok("version", "nats-server "+version)
}

// handshake upgrades the connection as a client does.
func (w way) handshake(ctx context.Context, conn net.Conn) push.Finding {
	settings := &tls.Config{ServerName: w.url.Hostname(), MinVersion: tls.VersionTLS12}
	if w.NATS.CAFile != "" {
		pem, err := os.ReadFile(w.NATS.CAFile)
		settings.RootCAs = x509.NewCertPool()
		if err != nil || !settings.RootCAs.AppendCertsFromPEM(pem) {
			return fail("tls", "PUSHWORKER_NATS_CA_FILE holds no certificate", "name a PEM file with the authority's certificate")
		}
	}
	if w.NATS.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(w.NATS.CertFile, w.NATS.KeyFile)
		if err != nil {
			return fail("tls", "PUSHWORKER_NATS_CERT_FILE and PUSHWORKER_NATS_KEY_FILE do not belong together: "+err.Error(), "use the certificate with its own key")
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	secure := tls.Client(conn, settings)
	if err := secure.HandshakeContext(ctx); err != nil {
		return fail("tls", "the TLS handshake with "+w.url.Host+" fails: "+err.Error(), "check PUSHWORKER_NATS_CA_FILE, the name in PUSHWORKER_NATS_URL and the server's certificate")
	}
	return expiry("tls", "the certificate of "+w.url.Host, secure.ConnectionState().PeerCertificates[0].NotAfter)
}
