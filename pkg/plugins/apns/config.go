package apns

import (
	"cmp"
	"net/url"
	"regexp"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/jws"
	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// defaultInFlight fills eight connections with 90 requests each.
	defaultInFlight = 720
	maxInFlight     = 1 << 16
	defaultRing     = 45 * time.Second
	maxRing         = 10 * time.Minute
)

// The environments of Apple's service, and where they are.
const (
	production         = "production"
	sandbox            = "sandbox"
	productionEndpoint = "https://api.push.apple.com"
	sandboxEndpoint    = "https://api.sandbox.push.apple.com"
)

// Config is the manual of the handler's own keys; [push.Common] has the others.
type Config struct {
	// Key is the text of the .p8 file that Apple gives you for a key ("-----BEGIN PRIVATE
	// KEY-----" and so on). If KeyFile is set too, Key is used.
	Key credential.Secret `json:"key"`
	// KeyFile is the path of that file. If you replace the file, the worker uses the new
	// key within 5 s, over new connections. A line "Key-Id: ABC123DEFG" before the key names
	// its id, which then counts instead of KeyID.
	KeyFile string `json:"key_file"`
	// KeyID is the key's id, of 10 characters.
	KeyID string `json:"key_id"`
	// TeamID is the id of your team at Apple, of 10 characters.
	TeamID string `json:"team_id"`
	// Topic is the app's bundle id. A device that has an app is sent to with that as its
	// bundle id.
	Topic string `json:"topic"`
	// Environment is "production" (the default) or "sandbox", which is for builds that
	// Xcode has installed. Devices that name the other one are not this handler's.
	Environment string `json:"environment"`
	// Endpoint is the https:// URL of a fake or of a proxy. The default is Apple's for the
	// environment, on port 443; Apple also listens on port 2197.
	Endpoint string `json:"endpoint"`
	// RingTime is how long a call rings, 45 s by default: after that nothing is sent about
	// it, and Apple drops what it has.
	RingTime time.Duration `json:"ring_time"`
	// MaxInFlight is how many requests may be open at the same time; each 90 allow a
	// connection. The default is 720.
	MaxInFlight int `json:"max_in_flight"`

	notice.Settings
}

// parseConfig reads the text of the handler's config. All faults are reported at
// once, joined.
func parseConfig(jsonconf string) (*Config, error) {
	c := &Config{Settings: notice.Defaults()}
	c.APNS = notice.Section{Enabled: true, Notice: notice.Notice{Body: notice.MessageText}}
	err := push.DecodeConfig(jsonconf, c)
	c.Environment = cmp.Or(c.Environment, production)
	c.RingTime = cmp.Or(c.RingTime, defaultRing)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultInFlight)
	if c.Endpoint == "" {
		c.Endpoint = productionEndpoint
		if c.Environment == sandbox {
			c.Endpoint = sandboxEndpoint
		}
	}
	err = c.check(err)
	c.RingFor(c.RingTime)
	return c, err
}

var (
	idPattern    = regexp.MustCompile(`^[A-Z0-9]{10}$`)
	topicPattern = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,155}$`) // it becomes a header
)

// check joins the faults of decoding with those of values that are of the right type
// and make no sense.
func (c *Config) check(decoding error) error {
	f := notice.Faults{decoding}
	c.Complete(&f)
	c.checkKey(&f)
	f.AddIf(!idPattern.MatchString(c.TeamID), "team_id", "is not 10 capital letters and digits: copy it from developer.apple.com, membership details")
	f.AddIf(!topicPattern.MatchString(c.Topic), "topic", "is not a bundle id: want the app's, such as com.example.app")
	f.AddIf(c.Environment != production && c.Environment != sandbox, "environment", "is %q: want %q or %q", c.Environment, production, sandbox)
	f.AddIf(!isEndpoint(c.Endpoint), "endpoint", "is no https:// URL of a host: leave it out for Apple's, or give that of pushworker fake apns")
	f.AddIf(c.RingTime < time.Second || c.RingTime > maxRing, "ring_time", "is %s: want between 1 s and %s", c.RingTime, maxRing)
	f.AddIf(c.MaxInFlight < 0 || c.MaxInFlight > maxInFlight, "max_in_flight", "is %d: want between 1 and %d, or leave it out", c.MaxInFlight, maxInFlight)
	c.CheckSections(&f)
	f.AddIf(c.IDsOnly && c.isWordless(), "apns.title", `is missing: with "ids_only" the text of a message is not sent, so that a notification has no words; set "title" or "body_loc_key"`)
	return f.Join()
}

// checkKey looks at what is in the config; the file is not read here.
func (c *Config) checkKey(f *notice.Faults) {
	inFile := len(c.Key) == 0
	f.AddIf(inFile && c.KeyFile == "", "key_file", `is missing: name the .p8 file that Apple gave you, or put its text under "key"`)
	if !inFile {
		_, err := jws.ParseKey(c.Key)
		f.AddIf(err != nil, "key", "cannot be used: %w", err)
	}
	missing := c.KeyID == "" && (inFile && c.KeyFile != "" || keyIDIn(c.Key) != "")
	f.AddIf(!missing && !idPattern.MatchString(c.KeyID), "key_id", "is not 10 capital letters and digits: it is in the name of the file, AuthKey_<key id>.p8")
}

// isWordless reports whether a message shows nothing but its text.
func (c *Config) isWordless() bool {
	s := &c.APNS
	words := func(field func(*notice.Notice) string) string { return s.Text(push.ActMsg, field) }
	body := words(func(n *notice.Notice) string { return n.Body })
	return s.Enabled && (body == "" || body == notice.MessageText) &&
		words(func(n *notice.Notice) string { return n.Title + n.TitleLocKey + n.Subtitle + n.BodyLocKey + n.LocKey }) == ""
}

func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}
