package webpush

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
)

func itoa(n int) string { return strconv.Itoa(n) }

// pattern is an entry of origins.
type pattern struct {
	scheme, port string
	host         string // what follows the star, with its dot, if there is one
	any, star    bool
}

var errPattern = errors.New(`want "*", or an origin such as https://push.example.com or https://*.example.com, with a port if it is not 443`)

func parsePattern(text string) (pattern, error) {
	if text == "*" {
		return pattern{any: true}, nil
	}
	u, err := url.Parse(strings.Replace(text, "//*.", "//", 1))
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || strings.ContainsAny(text, "#?") || strings.Contains(u.Host, "*") {
		return pattern{}, errPattern
	}
	u, err = parseEndpoint(u.Scheme + "://" + u.Host + "/")
	if err != nil {
		return pattern{}, errPattern
	}
	p := pattern{scheme: u.Scheme, host: u.Hostname(), port: u.Port(), star: strings.Contains(text, "//*.")}
	if p.star {
		p.host = "." + p.host
	}
	if p.star && p.scheme != "https" {
		return pattern{}, fmt.Errorf("%w; http:// is for a single server of your own", errPattern)
	}
	return p, nil
}

// names reports whether an endpoint's server is meant, other than by "*".
func (p *pattern) names(u *url.URL) bool {
	switch {
	case p.any, p.scheme != u.Scheme, p.port != u.Port() && p.port != "":
		return false
	case p.star:
		return strings.HasSuffix(u.Hostname(), p.host)
	}
	return p.host == u.Hostname()
}

func (c *Config) checkOrigins(f *notice.Faults) {
	for _, text := range c.Origins {
		p, err := parsePattern(text)
		if err != nil {
			f.Add("origins", "has %q: %w", text, err)
			continue
		}
		c.patterns = append(c.patterns, p)
	}
	if slices.Contains(c.patterns, pattern{any: true}) { // the vendors are named all the same
		for _, text := range defaultOrigins() {
			p, _ := parsePattern(text) // they are in order
			c.patterns = append(c.patterns, p)
		}
	}
}

// named is the pattern that names an endpoint's server; nil when there is none.
func (c *Config) named(u *url.URL) *pattern {
	for i := range c.patterns {
		if c.patterns[i].names(u) {
			return &c.patterns[i]
		}
	}
	return nil
}

// admits says why an endpoint may not be asked, or nil. Without a config that is what
// holds for each.
func (c *Config) admits(u *url.URL) error {
	var by *pattern
	if c != nil {
		by = c.named(u)
	}
	switch {
	case by != nil && !by.star && by.port == u.Port(): // it is listed itself
		return nil
	case u.Scheme != "https":
		return errEndpoint
	case !isPublicName(u.Hostname()):
		return errPrivate
	case c == nil:
		return nil
	case by == nil && !slices.ContainsFunc(c.patterns, func(p pattern) bool { return p.any }):
		return errOrigin
	}
	return c.admitsPort(u.Port())
}

func (c *Config) admitsPort(text string) error {
	port := 443
	if text != "" {
		port, _ = strconv.Atoi(text) // 0 if it is none
	}
	if !slices.Contains(c.Ports, port) {
		return errPort
	}
	return nil
}

func (c *Config) checkNetworks(f *notice.Faults) {
	for _, text := range c.AllowPrivate {
		network, err := netip.ParsePrefix(text)
		f.AddIf(err != nil, "allow_private", `has %q: want networks such as "10.1.0.0/16" or "fd00:1::/64"`, text)
		c.private = append(c.private, network)
	}
	for _, port := range c.Ports {
		f.AddIf(port < 1 || port > 1<<16-1, "ports", "has %d: want numbers between 1 and 65535", port)
	}
}
