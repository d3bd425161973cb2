package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// BrokerURL is one or more server URLs, separated by commas, each with a scheme.
// Printed, logged or encoded, the users and passwords in it are masked.
type BrokerURL string //nolint:recvcheck // only decoding needs the pointer; printing must work on values

// Decode implements envconfig.Decoder. A server without a scheme gets nats://.
func (u *BrokerURL) Decode(value string) error {
	var servers []string
	var found problems
	for s := range strings.SplitSeq(value, ",") {
		s = strings.TrimSpace(s)
		if !strings.Contains(s, "://") {
			s = "nats://" + s
		}
		if what := serverProblem(s); what != "" {
			found = append(found, problem{what, "write nats://host:4222, tls://host:4222, or several with commas between them"})
			continue
		}
		servers = append(servers, s)
	}
	*u = BrokerURL(strings.Join(servers, ","))
	return found.orNil()
}

// serverProblem says what is wrong with one server URL, without quoting it.
func serverProblem(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "is not a URL"
	}
	switch u.Scheme {
	case "nats", "tls", "ws", "wss":
	default:
		return "has a scheme other than nats, tls, ws and wss"
	}
	if u.Hostname() == "" {
		return "has a server without a host"
	}
	if strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[") {
		return "has an IPv6 address without brackets; brackets are needed, as in nats://[::1]:4222"
	}
	if p := u.Port(); p != "" && !isPort(p, 1) {
		return "has a port that is not a number from 1 to 65535"
	}
	return ""
}

// String returns the servers with everything before their @ masked; in a NATS
// URL, a user without a password is a token.
func (u BrokerURL) String() string {
	return u.each(func(server *url.URL) string {
		if server.User == nil {
			return server.String()
		}
		return strings.Replace(server.String(), server.User.String()+"@", masked+"@", 1)
	})
}

// Format writes what String returns, whatever the verb.
func (u BrokerURL) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(u.String())) }

// MarshalText returns what String returns.
func (u BrokerURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// hasUser reports whether a server has a user of its own.
func (u BrokerURL) hasUser() bool {
	found := false
	u.each(func(server *url.URL) string {
		found = found || server.User != nil
		return ""
	})
	return found
}

// each returns what edit makes of every server, joined as in u.
func (u BrokerURL) each(edit func(*url.URL) string) string {
	if u == "" {
		return ""
	}
	servers := strings.Split(string(u), ",")
	for i, s := range servers {
		server, err := url.Parse(s)
		if err != nil { // Decode lets none through
			servers[i] = masked
			continue
		}
		servers[i] = edit(server)
	}
	return strings.Join(servers, ",")
}

// ClientURL is where a client of this configuration finds the broker, and with
// which user or token: the servers of NATS.URL, or the embedded broker's address.
// It may hold a secret and must not be printed.
func (c *Config) ClientURL() string {
	if c.UsesEmbedded() {
		return c.Embedded.clientURL()
	}
	user := c.NATS.userinfo()
	return c.NATS.URL.each(func(server *url.URL) string {
		if user != nil {
			server.User = user
		}
		return server.String()
	})
}

func (e Embedded) clientURL() string {
	u := url.URL{Scheme: "nats", Host: dialable(e.Addr)}
	if e.CertFile != "" {
		u.Scheme = "tls"
	}
	if e.Token.IsSet() {
		u.User = url.User(e.Token.Reveal())
	}
	return u.String()
}

// AdminURL is where programs of this machine find the admin address of a worker
// with this configuration.
func (c *Config) AdminURL() string { return "http://" + dialable(c.Admin.Addr) }

func (n NATS) userinfo() *url.Userinfo {
	if n.Token.IsSet() {
		return url.User(n.Token.Reveal())
	}
	if n.User != "" {
		return url.UserPassword(n.User, n.Password.Reveal())
	}
	return nil
}

// dialable turns an address to listen on into one to dial: a wildcard host
// becomes loopback.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// isAddress reports whether s is host:port. Host may be empty and port 0, which
// mean any.
func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && isPort(port, 0) && !strings.ContainsAny(host, " \t\r\n/@")
}

// isLoopback reports whether only this machine can reach the address.
func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

func isPort(s string, lowest uint64) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n >= lowest
}
