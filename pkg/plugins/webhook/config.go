package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	defaultInFlight = 64
	maxInFlight     = 1 << 12
	// maxSecrets is enough for a rotation; every secret is one more signature.
	maxSecrets = 8
)

// What a body has of a receipt.
const (
	bodyFull = "full"
	bodyThin = "thin"
)

// Config is the manual of the handler's own keys; [push.Common] has the others.
type Config struct {
	// URL is where receipts are posted to. It begins with https://, or also with http://
	// if AllowPrivate is on.
	URL string `json:"url"`
	// Secrets sign each request, as "whsec_…" (HMAC-SHA256, the receiver has the same) or
	// "whsk_…" (Ed25519, the receiver has the public half). Each adds a signature: to
	// replace a secret, list the new one first, then give it to the receiver, then remove
	// the old one. At least one, at most eight.
	Secrets []Secret `json:"secrets"`
	// Body is "full" (the default): the receipt as it was published; or "thin": without the
	// content and its MIME type, so that the receiver asks the chat server for it.
	Body string `json:"body"`
	// Devices adds the recipients' devices of provider "webhook" to the body, with their
	// tokens: for a receiver that sends to devices itself. It is off by default.
	Devices bool `json:"devices"`
	// AllowPrivate lets the URL's host have a private, loopback or link-local address, and
	// http:// without TLS. It is off by default.
	AllowPrivate bool `json:"allow_private"`
	// MaxInFlight is how many requests may be open at the same time; the default is 64.
	MaxInFlight int `json:"max_in_flight"`
	// PerSecond is how many requests may be made in a second, in this process; the default
	// is no limit.
	PerSecond float64 `json:"per_second"`
}

// parseConfig reads the text of the handler's config. All faults are reported at
// once, joined.
func parseConfig(jsonconf string) (*Config, error) {
	c := &Config{Body: bodyFull}
	err := push.DecodeConfig(jsonconf, c)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultInFlight)
	return c, errors.Join(err, c.check())
}

func (c *Config) check() error {
	var faults []error
	addIf := func(bad bool, key, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("key %q "+format, append([]any{key}, args...)...))
		}
	}
	addIf(c.URL == "", "url", "is missing: set it to the address that receipts are posted to")
	if c.URL != "" {
		addIf(isURL(c.URL) && !isEscaped(c.URL), "url", "has a query with spaces or letters beyond ASCII: write them as %%20 and the like")
		addIf(!isURL(c.URL), "url", "is no URL that requests can go to: want one such as https://push.example.com/hook, without a user and a fragment")
		addIf(isURL(c.URL) && isPlain(c.URL) && !c.AllowPrivate, "url", `has no TLS: want https://, or set "allow_private" for a receiver in your own network`)
	}
	addIf(len(c.Secrets) == 0, "secrets", "is missing: a receiver must be able to tell who has sent a request. Make one with: echo \"whsec_$(openssl rand -base64 32)\"")
	addIf(len(c.Secrets) > maxSecrets, "secrets", "has %d entries: want at most %d", len(c.Secrets), maxSecrets)
	addIf(c.Body != bodyFull && c.Body != bodyThin, "body", `is %q: want "full" or "thin"`, c.Body)
	addIf(c.MaxInFlight < 0 || c.MaxInFlight > maxInFlight, "max_in_flight", "is %d: want between 1 and %d, or leave it out", c.MaxInFlight, maxInFlight)
	addIf(!(c.PerSecond >= 0), "per_second", "is negative: leave it out for no limit")
	return errors.Join(faults...)
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.Fragment == ""
}

// isEscaped reports whether a request can have the query as it is. Of the path that is seen to.
func isEscaped(text string) bool {
	u, err := url.Parse(text)
	return err == nil && !strings.ContainsFunc(u.RawQuery, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

func isPlain(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "http"
}
