package fcm

import (
	"cmp"
	"errors"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/content"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	defaultTTL = time.Hour
	// maxTTL is what FCM allows: four weeks.
	maxTTL = 2_419_200 * time.Second
	// ringTTL is how long a call that has started is worth telling of.
	ringTTL = 30 * time.Second
	// defaultInFlight fills eight connections with 90 requests each, under FCM's
	// limit of 100.
	defaultInFlight = 720
	// defaultPerSecond is nine tenths of the default quota of 600,000 a minute.
	defaultPerSecond = 9000
	defaultRamp      = time.Minute
)

// Config is the manual of the handler's own keys; [push.Common] has the others.
// The keys of the chat server's own FCM plug-in mean what they mean there, of its
// old versions too. Durations are strings such as "1m30s", or numbers of seconds.
type Config struct {
	// Credentials is the key of a Google service account, as the JSON object that
	// Google gives out, or a string with it, plain or in base64. It wins over
	// CredentialsFile.
	Credentials Credentials `json:"credentials"`
	// CredentialsFile is the path of a file with the same. When the file is
	// replaced, the new key is used without a restart; when it is missing, readiness
	// and status say so.
	CredentialsFile string `json:"credentials_file"`
	// ProjectID is the Firebase project; the default is that of the credentials.
	ProjectID string `json:"project_id"`
	// Endpoint is where FCM is, for a proxy or a fake: an URL up to and including
	// the version, such as "http://127.0.0.1:9080/v1". The default is Google's. Without
	// TLS it may know HTTP/2 or HTTP/1.1.
	Endpoint string `json:"endpoint"`
	// DryRun has FCM check each message and deliver none.
	DryRun bool `json:"dry_run"`
	// MaxInFlight is how many requests may be open at the same time; the default is
	// 720.
	MaxInFlight int `json:"max_in_flight"`
	// PerSecond is how many requests the project may make in a second, in this
	// process; the default is 9000. FCM's default quota is 10,000.
	PerSecond float64 `json:"per_second"`
	// Ramp is how long it takes from a tenth of PerSecond to the whole, after a
	// start and after an outage; the default is one minute.
	Ramp time.Duration `json:"ramp"`

	// TimeToLive is how long after its time a notification is worth showing; the
	// default is one hour, the most four weeks. For a call that has started it is at
	// most 30 s.
	TimeToLive time.Duration `json:"time_to_live"`
	// APNSBundleID is the bundle id of the app for Apple devices.
	APNSBundleID string `json:"apns_bundle_id"`
	// Android, APNS and Webpush say whether the operating system draws the
	// notification, and how. Without them, apps get the data and draw themselves.
	Android Section `json:"android"`
	APNS    Section `json:"apns"`
	Webpush Section `json:"webpush"`
	// IDsOnly keeps what people write from the provider: pushes say which message
	// there is and the app fetches it. Left out are the text, its preview, the MIME
	// type, and "$content" in Body.
	IDsOnly bool `json:"ids_only"`
	// Improvements are where we differ from the original on purpose. With all of
	// them off, messages are the original's.
	Improvements Improvements `json:"improvements"`

	// noticeRoom is how many bytes the texts of notifications have at most, but for
	// the content of messages.
	noticeRoom int
	// noticeCopies is how often a notification repeats the content at most.
	noticeCopies int
}

// Improvements are the differences from the original; docs/fcm-messages.md has
// the reasons. All but AndroidCollapseKey are on by default.
type Improvements struct {
	// ClearBadge sends a badge of 0, so that it goes away when all is read.
	ClearBadge bool `json:"clear_badge"`
	// CollapsePerMessage gives each message an identity of its own where the
	// original gives one to each topic, so that a repeated push replaces its twin
	// and nothing else: in apns-collapse-id and in the Topic header of web push.
	CollapsePerMessage bool `json:"collapse_per_message"`
	// AndroidCollapseKey sends that identity as Android's collapse_key too. FCM
	// stores only four such messages for a device that is offline, and delays
	// bursts of more than 20; hence it is off by default.
	AndroidCollapseKey bool `json:"android_collapse_key"`
	// RemainingTTL tells the provider what is left of TimeToLive since the message's
	// own time, instead of the whole from now on. Browsers get a TTL too.
	RemainingTTL bool `json:"remaining_ttl"`
	// Shrink makes a message smaller that is over FCM's 4,096 bytes (2,048 for
	// channels) instead of losing it.
	Shrink bool `json:"shrink"`
	// TolerateContent sends a message whose content makes no sense, without what
	// cannot be read, instead of dropping it. It always has words: what the message is
	// when it has none of its own.
	TolerateContent bool `json:"tolerate_content"`
	// Quiet shows and sounds nothing for what is not news to its user: a message that
	// he has already, an edit, a call that is over, something read elsewhere. Such a
	// push wakes the app, at low priority. A call that rings and one that was missed
	// are news.
	Quiet bool `json:"quiet"`
	// WholeCharacters cuts a text between what readers take for characters, and counts
	// those, where the original counts code points and cuts an emoji in two.
	WholeCharacters bool `json:"whole_characters"`
	// AllKeys sends the keys of the sections that the original accepts and ignores.
	AllKeys bool `json:"all_keys"`
}

func (i Improvements) content() content.Rules {
	return content.Rules{Tolerate: i.TolerateContent, WholeCharacters: i.WholeCharacters}
}

// parseConfig reads the text of the handler's config. All faults are reported at
// once, joined.
func parseConfig(jsonconf string) (*Config, error) {
	c := &Config{Improvements: Improvements{
		ClearBadge: true, CollapsePerMessage: true, RemainingTTL: true, Shrink: true, TolerateContent: true,
		Quiet: true, WholeCharacters: true, AllKeys: true,
	}}
	err := push.DecodeConfig(jsonconf, c)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultInFlight)
	c.PerSecond = cmp.Or(c.PerSecond, defaultPerSecond)
	c.Ramp = cmp.Or(c.Ramp, defaultRamp)
	c.TimeToLive = cmp.Or(c.TimeToLive, defaultTTL)
	err = c.check(err)
	c.ProjectID = cmp.Or(c.ProjectID, projectOf(c.Credentials))
	if err != nil && c.ProjectID == "" && c.CredentialsFile != "" && !isNoPath(c.CredentialsFile) {
		_, unreadable := c.sending() // so that this is told together with the others
		err = errors.Join(err, unreadable)
	}
	return c, err
}

// ttl is how long after its time r is worth sending.
func (c *Config) ttl(r *push.Receipt) time.Duration {
	if isRinging(&r.Payload) {
		return min(c.TimeToLive, ringTTL)
	}
	return c.TimeToLive
}
