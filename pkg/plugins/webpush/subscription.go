package webpush

import (
	"cmp"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	publicBytes = 65
	authBytes   = 16
	// maxEndpoint is how long an endpoint may be (UnifiedPush AND_3; browsers' have about
	// 200 bytes).
	maxEndpoint = 1000
	// deadHost is the host of endpoints that Chrome and Edge hand out for a user who has
	// refused pushes.
	deadHost = "permanently-removed.invalid"
)

// The faults of a subscription. None quotes it.
var (
	errEndpoint = errors.New("token is no endpoint of a push server: want the subscription as the browser gave it, as JSON or its https:// endpoint")
	errDead     = errors.New("token is an endpoint of permanently-removed.invalid: the user has refused pushes, so do not register it")
	errPrivate  = errors.New("token is an endpoint whose host is no public name: want a host with a domain, and no IP address; for a server of your own list its origin in the key origins of the handler")
	errPort     = errors.New("token is an endpoint with a port that the key ports of the handler does not list")
	errOrigin   = errors.New("token is an endpoint of a server that the key origins of the handler does not admit")
	errKeys     = errors.New("keys are missing or damaged: want p256dh (a point on P-256, 65 bytes) and auth (16 bytes) in base64url, as the browser gave them")
	errKind     = errors.New("kind and env have no meaning for Web Push, whose calls and messages go to one subscription: leave them out")
	errApp      = errors.New(`app is the id of no key in "vapid" of the handler: leave it out, or give the id of the key with which the browser has subscribed`)
	errExpired  = errors.New("token is a subscription whose expirationTime has passed: subscribe again")
)

// subscription is a device as requests need it.
type subscription struct {
	origin string // scheme, host and a port that is not the scheme's own
	path   string // with the query
	public *ecdh.PublicKey
	auth   []byte
}

// parseSubscription reads a device.
func parseSubscription(d push.Device) (*subscription, error) {
	d, err := takenApart(d, time.Time{})
	if err != nil {
		return nil, err
	}
	u, err := parseEndpoint(d.Token)
	if err != nil {
		return nil, err
	}
	keys := d.More().Keys
	s := &subscription{origin: u.Scheme + "://" + u.Host, path: u.RequestURI()}
	public, err := decode(keys.P256DH)
	if err != nil {
		return nil, errKeys
	}
	if s.public, err = ecdh.P256().NewPublicKey(public); err != nil {
		return nil, errKeys
	}
	if s.auth, err = decode(keys.Auth); err != nil || len(s.auth) != authBytes {
		return nil, errKeys
	}
	return s, nil
}

// decode reads base64url and base64, with padding and without.
func decode(text string) ([]byte, error) {
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	return base64.RawURLEncoding.DecodeString(text) //nolint:wrapcheck // the caller's words are better
}

// parseEndpoint reads an endpoint into its canonical form: the host in lower case and in
// ASCII, without the port of the scheme.
func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, len(text) > maxEndpoint, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "",
		u.User != nil, u.Fragment != "" || strings.Contains(text, "#"), u.Opaque != "", !h2post.IsPath(u.RequestURI()):
		return nil, errEndpoint
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err != nil {
		if host, err = idna.Lookup.ToASCII(strings.TrimSuffix(host, ".")); err != nil {
			return nil, errEndpoint
		}
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	host = strings.ToLower(host)
	if host == deadHost {
		return nil, errDead
	}
	switch port := u.Port(); u.Scheme + ":" + port {
	case "https:", "http:", "https:443", "http:80":
	default:
		host += ":" + port
	}
	u.Host = host
	return u, nil
}

// isPublicName reports whether a host may be one of the internet. Whether its address is,
// is looked at when a connection is made.
func isPublicName(host string) bool {
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case len(labels) < 2, strings.Trim(last, "0123456789") == "", strings.HasPrefix(last, "0x"), strings.Contains(host, ":"):
		return false // a single label, or an address in one of its notations
	}
	return !slices.Contains([]string{"localhost", "local", "internal", "invalid", "onion"}, last)
}

// browser is PushSubscription.toJSON() of the Push API.
type browser struct {
	Endpoint       string     `json:"endpoint"`
	ExpirationTime *float64   `json:"expirationTime"` // in ms
	Keys           *push.Keys `json:"keys"`
}

// takenApart is d with the endpoint as its token, if it has a whole subscription.
func takenApart(d push.Device, now time.Time) (push.Device, error) {
	if !strings.HasPrefix(d.Token, "{") {
		return d, nil
	}
	var s browser
	if json.Unmarshal([]byte(d.Token), &s) != nil {
		return d, errEndpoint
	}
	d.Token = s.Endpoint
	if s.Keys != nil {
		extra := d.More()
		extra.Keys, d.Extra = *s.Keys, &extra
	}
	if s.ExpirationTime != nil && *s.ExpirationTime <= float64(now.UnixMilli()) {
		return d, errExpired
	}
	return d, nil
}

// endpointOf is where d's messages go.
func endpointOf(d push.Device) (*url.URL, error) {
	d, err := takenApart(d, time.Time{})
	if err != nil {
		return nil, err
	}
	return parseEndpoint(d.Token)
}

// canonical is d with the endpoint as its token, and keys in base64url without padding:
// two spellings of one subscription are one device. It is checked with all that is known
// without a network, and with c unless that is nil.
func canonical(c *Config, d push.Device, now time.Time) (push.Device, error) {
	d, expired := takenApart(d, now)
	u, err := parseEndpoint(d.Token)
	if err != nil {
		return d, cmp.Or(expired, err)
	}
	d.Token = u.String()
	if err := cmp.Or(expired, c.admits(u)); err != nil {
		return d, err
	}
	extra := d.More()
	if extra.Kind != "" || extra.Env != "" {
		return d, errKind
	}
	if c != nil {
		if _, _, ours := c.key(d); !ours {
			return d, errApp
		}
	}
	s, err := parseSubscription(d)
	if err != nil {
		return d, err
	}
	extra.Keys = push.Keys{P256DH: base64.RawURLEncoding.EncodeToString(s.public.Bytes()), Auth: base64.RawURLEncoding.EncodeToString(s.auth)}
	d.Extra = &extra
	return d, nil
}
