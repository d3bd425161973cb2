package apns

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/jws"
	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// defaultInFlight fills eight connections with 90 requests each. mostInFlight are for
	// latencies that need more.
	defaultInFlight = 720
	mostInFlight    = 1440
	maxInFlight     = 1 << 16
	defaultRing     = 45 * time.Second
	maxRing         = 10 * time.Minute
	// defaultBackground is three an hour.
	defaultBackground = 20 * time.Minute
	maxBackgroundWait = 24 * time.Hour
	// maxAPS leaves room for a message.
	maxAPS = 512
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
	// PushType is for tokens of which each push is of one other type: "complication",
	// "controls", "fileprovider", "location", "pushtotalk" or "widgets". Topic, and the app
	// of devices, then end as Apple wants it, such as "com.example.app.push-type.widgets".
	// Their pushes have the data and show nothing. Without it pushes are alerts, silent
	// pushes and calls.
	PushType string `json:"push_type"`
	// APS is the object "aps" of those, such as {"content-changed":true} for widgets. The
	// default is {}.
	APS json.RawMessage `json:"aps"`
	// RingTime is how long a call rings, 45 s by default: after that nothing is sent about
	// it, and Apple drops what it has.
	RingTime time.Duration `json:"ring_time"`
	// BackgroundEvery is how long a device gets no second push that shows nothing and sets no
	// badge, 20 minutes by default: iOS allows two or three an hour, and drops others. Of those
	// that wait the newest is sent. Each worker counts its own.
	BackgroundEvery time.Duration `json:"background_every"`
	// MaxInFlight is how many requests may be open at the same time; each 90 allow a
	// connection. The default is 720, and up to 1440 while Apple's answers take so long that
	// 720 do not allow 18,000 a second.
	MaxInFlight int `json:"max_in_flight"`
	stretched   int // what it may become; 0 if the config says MaxInFlight

	notice.Settings

	pingWait time.Duration // of a test; 0 for the default
}

// parseConfig reads the text of the handler's config. All faults are reported at
// once, joined.
func parseConfig(jsonconf string) (*Config, error) {
	c := &Config{Settings: notice.Defaults()}
	c.APNS = notice.Section{Enabled: true, Notice: notice.Notice{Body: notice.MessageText}}
	err := push.DecodeConfig(jsonconf, c)
	c.Environment = cmp.Or(c.Environment, production)
	c.RingTime = cmp.Or(c.RingTime, defaultRing)
	c.BackgroundEvery = cmp.Or(c.BackgroundEvery, defaultBackground)
	if c.MaxInFlight == 0 {
		c.MaxInFlight, c.stretched = defaultInFlight, mostInFlight
	}
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
	c.checkPushType(&f)
	f.AddIf(c.RingTime < time.Second || c.RingTime > maxRing, "ring_time", "is %s: want between 1 s and %s", c.RingTime, maxRing)
	f.AddIf(c.BackgroundEvery < time.Second || c.BackgroundEvery > maxBackgroundWait, "background_every", "is %s: want between 1 s and %s", c.BackgroundEvery, maxBackgroundWait)
	f.AddIf(c.MaxInFlight < 0 || c.MaxInFlight > maxInFlight, "max_in_flight", "is %d: want between 1 and %d, or leave it out", c.MaxInFlight, maxInFlight)
	c.CheckSections(&f)
	f.AddIf(c.IDsOnly && c.isWordless(), "apns.title", `is missing: with "ids_only" the text of a message is not sent, so that a notification has no words; set "title", "body_loc_key" or "fallback"`)
	return f.Join()
}

// suffixes are how topics end by push type ("Sending notification requests to APNs").
func suffixes() map[string]string {
	return map[string]string{
		"complication": ".complication", "controls": ".push-type.controls", "fileprovider": ".pushkit.fileprovider",
		"location": ".location-query", "pushtotalk": ".voip-ptt", "widgets": ".push-type.widgets",
	}
}

func (c *Config) checkPushType(f *notice.Faults) {
	var aps map[string]json.RawMessage
	isObject := len(c.APS) == 0 || json.Unmarshal(c.APS, &aps) == nil && aps != nil
	f.AddIf(!isObject || len(c.APS) > maxAPS, "aps", `is no JSON object of at most %d bytes: want one such as {"content-changed":true}`, maxAPS)
	if c.PushType == "" {
		f.AddIf(len(c.APS) > 0, "aps", `is for a "push_type" alone: alerts are written by the section "apns"`)
		return
	}
	suffix, known := suffixes()[c.PushType]
	f.AddIf(!known, "push_type", "is %q: want one of %s, or leave it out", c.PushType, strings.Join(slices.Sorted(maps.Keys(suffixes())), ", "))
	f.AddIf(known && !strings.HasSuffix(c.Topic, suffix), "topic", "is that of alerts: for this push_type it ends with %q", suffix)
}

// checkKey looks at what is in the config, and into the file if it is there: one that is
// missing may come later, and is told then.
func (c *Config) checkKey(f *notice.Faults) {
	inFile := len(c.Key) == 0
	f.AddIf(inFile && c.KeyFile == "", "key_file", `is missing: name the .p8 file that Apple gave you, or put its text under "key"`)
	if !inFile {
		_, err := jws.ParseKey(c.Key)
		f.AddIf(err != nil, "key", "cannot be used: %w", err)
	}
	if text, err := os.ReadFile(c.KeyFile); inFile && err == nil {
		_, err := jws.ParseKey(text)
		f.AddIf(err != nil, "key_file", "names a file that is no key: %w", err)
	}
	missing := c.KeyID == "" && (inFile && c.KeyFile != "" || keyIDIn(c.Key) != "")
	f.AddIf(!missing && !idPattern.MatchString(c.KeyID), "key_id", "is not 10 capital letters and digits: it is in the name of the file, AuthKey_<key id>.p8")
}

// isWordless reports whether a message shows nothing but its text.
func (c *Config) isWordless() bool {
	s := &c.APNS
	words := func(field func(*notice.Notice) string) string { return s.Text(push.ActMsg, field) }
	body := words(func(n *notice.Notice) string { return n.Body })
	if body == notice.MessageText {
		body = words(func(n *notice.Notice) string { return n.Fallback })
	}
	return s.Enabled && body == "" &&
		words(func(n *notice.Notice) string { return n.Title + n.TitleLocKey + n.Subtitle + n.BodyLocKey + n.LocKey }) == ""
}

func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}
