package webpush

import (
	"cmp"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	defaultInFlight  = 1024
	maxInFlight      = 1 << 14
	defaultPerOrigin = 16
	// defaultBody is what Firefox on Android still gets: Mozilla passes a push on to FCM in
	// base64, within 4,096 bytes.
	defaultBody = 2560
	// minBody leaves room for a message without its text.
	minBody = 2048
	// maxBody is what every push server takes (RFC 8030, section 7.2).
	maxBody = 4096
	maxKeys = 8
	// maxURL leaves room in a message.
	maxURL = 300

	formatDeclarative = "declarative"
	formatData        = "data"
)

// Config is the manual of the handler's own keys; [push.Common] has the others.
type Config struct {
	// VAPID lists the key pairs that say who sends, as {"id":"2026","key":"…"}. Browsers
	// subscribe with the public key of the first. A device whose app is an id is sent to
	// with that key, and one without an app with the first key, then with the next if the
	// push server says that it is another. To replace a key, put the new one first and keep the old
	// one. "pushworker vapid generate" makes one. At least one, at most eight.
	VAPID []VAPIDKey `json:"vapid"`
	// Subject is how push servers reach you about your pushes: "mailto:" and an address, or an
	// address that begins with https://.
	Subject string `json:"subject"`
	// Origins lists the push servers that may be asked, such as "https://ntfy.example.com" or
	// "https://*.example.com". The default is those of Google, Apple, Mozilla and Microsoft.
	// ["*"] admits every server with a public address, for UnifiedPush. A server that is listed
	// itself may have an IP address or http://.
	Origins []string `json:"origins"`
	// Activate sends a new device nothing but a test push until its app has returned the
	// token of that push, which shows that there is an app which wants them. The default is
	// true for servers that only "*" admits, and false for the others.
	Activate *bool `json:"activate"`
	// AllowPrivate lists networks, such as "10.1.0.0/16", whose addresses may be connected to
	// although they are not public.
	AllowPrivate []string `json:"allow_private"`
	// Ports lists the ports that endpoints may have, beside those in origins. The default is
	// 443.
	Ports []int `json:"ports"`
	// Format is "declarative" (the default): a notification that Safari shows without a
	// service worker, and that service workers get as JSON; or "data": only the data, for a
	// service worker that draws the notification itself.
	Format string `json:"format"`
	// URL is where a click leads, with {topic} and {seq} in it, such as
	// "https://chat.example.com/#{topic}". The format "declarative" needs it.
	URL string `json:"url"`
	// MaxBody is the greatest size of an encrypted message in bytes. The default is 2560,
	// because Firefox on Android gets no more; 4096 is the most.
	MaxBody int `json:"max_body"`
	// MaxInFlight is how many requests may be open at the same time. The default is 1024.
	MaxInFlight int `json:"max_in_flight"`
	// PerOrigin is how many requests may be open to one server that only "*" admits. The
	// default is 16. To any server that answers nothing for three seconds it is eight.
	PerOrigin int `json:"per_origin"`

	notice.Settings

	patterns []pattern
	private  []netip.Prefix // AllowPrivate
	pingWait time.Duration  // of a test; 0 for the default
}

// defaultOrigins are the push servers of the browsers' vendors.
func defaultOrigins() []string {
	return []string{"https://*.googleapis.com", "https://*.push.apple.com", "https://*.notify.windows.com", "https://*.push.services.mozilla.com"}
}

// parseConfig reads the text of the handler's config. All faults are reported at
// once, joined.
func parseConfig(jsonconf string) (*Config, error) {
	c := &Config{Settings: notice.Defaults()}
	err := push.DecodeConfig(jsonconf, c)
	c.Format = cmp.Or(c.Format, formatDeclarative)
	c.MaxBody = cmp.Or(c.MaxBody, defaultBody)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultInFlight)
	c.PerOrigin = cmp.Or(c.PerOrigin, defaultPerOrigin)
	if len(c.Origins) == 0 {
		c.Origins = defaultOrigins()
	}
	if len(c.Ports) == 0 {
		c.Ports = []int{443}
	}
	if c.Format == formatDeclarative { // the notification is in the message
		if !c.Webpush.Enabled {
			c.Webpush.Body = cmp.Or(c.Webpush.Body, notice.MessageText)
		}
		c.Webpush.Enabled, c.Improvements.AllKeys = true, true
	}
	return c, c.check(err)
}

// check joins the faults of decoding with those of values that are of the right
// type and make no sense.
func (c *Config) check(decoding error) error {
	f := notice.Faults{decoding}
	c.Complete(&f)
	c.checkKeys(&f)
	c.checkOrigins(&f)
	c.checkNetworks(&f)
	f.AddIf(!isSubject(c.Subject), "subject", `is missing or no address: want "mailto:you@example.com" or an https:// URL`)
	f.AddIf(c.Format != formatDeclarative && c.Format != formatData, "format", "is %q: want %q or %q", c.Format, formatDeclarative, formatData)
	f.AddIf(c.Format == formatDeclarative && (len(c.URL) > maxURL || !notice.IsLink(c.link("grpOne", 1))), "url", `is missing or no https:// URL of at most 300 bytes: set where a click leads, such as "https://chat.example.com/#{topic}"; the format "data" needs none`)
	f.AddIf(c.MaxBody < minBody || c.MaxBody > maxBody, "max_body", "is %d: want between %d and %d bytes", c.MaxBody, minBody, maxBody)
	f.AddIf(c.MaxInFlight < 0 || c.MaxInFlight > maxInFlight, "max_in_flight", "is %d: want between 1 and %d, or leave it out", c.MaxInFlight, maxInFlight)
	f.AddIf(c.PerOrigin < 0 || c.PerOrigin > maxInFlight, "per_origin", "is %d: want between 1 and %d, or leave it out", c.PerOrigin, maxInFlight)
	c.CheckSections(&f)
	return f.Join()
}

func (c *Config) checkKeys(f *notice.Faults) {
	f.AddIf(len(c.VAPID) == 0, "vapid", "is missing: push servers want to know who sends. Make a key with: pushworker vapid generate")
	f.AddIf(len(c.VAPID) > maxKeys, "vapid", "has %d entries: want at most %d", len(c.VAPID), maxKeys)
	seen := make(map[string]bool)
	for i, k := range c.VAPID {
		f.AddIf(k.Key.key == nil && !k.Key.broken, "vapid", "has an entry without a key, at %d: make one with: pushworker vapid generate", i)
		f.AddIf(k.ID == "" && len(c.VAPID) > 1, "vapid", "has an entry without an id, at %d: give each key one, such as the date on which it was made", i)
		f.AddIf(seen[k.ID], "vapid", "has the id %q twice: give each key one of its own", k.ID)
		seen[k.ID] = true
	}
}

// isSubject reports whether push servers take s (RFC 8292, section 2.1). Apple refuses
// what cannot be read.
func isSubject(s string) bool {
	if address, ok := strings.CutPrefix(s, "mailto:"); ok {
		parsed, err := mail.ParseAddress(address)
		return err == nil && parsed.Address == address
	}
	return notice.IsLink(s)
}

// link is where a click leads that is about a message.
func (c *Config) link(topic string, seq int) string {
	return strings.NewReplacer("{topic}", url.PathEscape(topic), "{seq}", itoa(seq)).Replace(c.URL)
}

// lifetime is what is left of a message's TTL as push servers are told. They keep none
// that has 0: Microsoft's refuses it.
func lifetime(left time.Duration) string { return itoa(int(max(left, time.Second) / time.Second)) }
