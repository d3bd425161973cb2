package hms

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/plugins/internal/serviceaccount"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	defaultInFlight = 200
	maxInFlight     = 1 << 12
	defaultCategory = "IM"
	defaultEndpoint = "https://push-api.cloud.huawei.com"
	// audience is the token endpoint: tokens of v3 are for it, though it never sees them.
	audience = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
)

// Config is the manual of the handler's own keys; [push.Common] has the others.
type Config struct {
	// Credentials is the key of a Huawei service account, for HarmonyOS (API v3); or
	// {"app_id":"…","app_secret":"…"}, for HMS Core on Android (API v1). It is the JSON
	// object, or a string that contains it, plain or in base64. If CredentialsFile is set
	// too, Credentials is used.
	Credentials serviceaccount.Key `json:"credentials"`
	// CredentialsFile is the path of a file with that object. If you replace the file, the
	// worker uses the new key within 5 s.
	CredentialsFile string `json:"credentials_file"`
	// Endpoint is the URL of Push Kit, of a proxy or of a fake, such as
	// "http://127.0.0.1:9084". The default is Huawei's.
	Endpoint string `json:"endpoint"`
	// TokenEndpoint is the URL where v1 gets its access tokens. The default is Huawei's.
	TokenEndpoint string `json:"token_endpoint"`
	// Category is Huawei's class of the alerts, "IM" by default. Huawei has to admit an app
	// to it; until then it may treat alerts as "MARKETING", of which a device gets few a
	// day.
	Category string `json:"category"`
	// CallAlerts shows a call that rings as an alert, for apps that Huawei has not given the
	// right to in-app call messages. Of v1 all calls are.
	CallAlerts bool `json:"call_alerts"`
	// TestMessages marks the messages of v3 as tests, of which Huawei takes 1,000 a day for
	// a project, without limits for each device.
	TestMessages bool `json:"test_messages"`
	// BadgeClass is the full name of the activity that the app starts with. v1 needs it to
	// show a badge.
	BadgeClass string `json:"badge_class"`
	// MaxInFlight is how many requests may be open at the same time; each goes to up to 1,000
	// devices. The default is 200.
	MaxInFlight int `json:"max_in_flight"`

	notice.Settings

	isV1     bool
	pingWait time.Duration // of a test; 0 for the default
}

// parseConfig reads the text of the handler's config. All faults are reported at
// once, joined.
func parseConfig(jsonconf string) (*Config, error) {
	c := &Config{Settings: notice.Defaults()}
	c.Android = notice.Section{Enabled: true, Notice: notice.Notice{Body: notice.MessageText}}
	err := push.DecodeConfig(jsonconf, c)
	c.Endpoint = cmp.Or(c.Endpoint, defaultEndpoint)
	c.TokenEndpoint = cmp.Or(c.TokenEndpoint, audience)
	c.Category = cmp.Or(c.Category, defaultCategory)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultInFlight)
	return c, c.check(err)
}

var categoryPattern = regexp.MustCompile(`^[A-Z_]{1,40}$`)

// check joins the faults of decoding with those of values that are of the right type
// and make no sense.
func (c *Config) check(decoding error) error {
	f := notice.Faults{decoding}
	c.Complete(&f)
	c.checkCredentials(&f)
	f.AddIf(!isURL(c.Endpoint), "endpoint", "is no URL of a host: leave it out for Huawei's, or give that of pushworker fake hms")
	f.AddIf(!isURL(c.TokenEndpoint), "token_endpoint", "is no URL: leave it out for Huawei's")
	f.AddIf(!categoryPattern.MatchString(c.Category), "category", `is none of Huawei's: want one such as "IM" or "MARKETING"`)
	f.AddIf(c.MaxInFlight < 0 || c.MaxInFlight > maxInFlight, "max_in_flight", "is %d: want between 1 and %d, or leave it out", c.MaxInFlight, maxInFlight)
	c.CheckSections(&f)
	f.AddIf(c.IDsOnly && c.isWordless(), "android.title", `is missing: with "ids_only" the text of a message is not sent, so that a notification has no words; set "title" or "fallback"`)
	return f.Join()
}

// checkCredentials also finds out which API they are for; a file is read for that.
func (c *Config) checkCredentials(f *notice.Faults) {
	text, key := []byte(c.Credentials), "credentials"
	if len(text) == 0 {
		key = "credentials_file"
		switch {
		case c.CredentialsFile == "":
			f.Add("credentials_file", `is missing: name the file with the key of the service account, or put the key under "credentials"`)
			return
		case serviceaccount.IsNoPath(c.CredentialsFile):
			f.Add(key, `is not a path, perhaps the key itself: put the key under "credentials"`)
			return
		}
		var err error
		if text, err = os.ReadFile(c.CredentialsFile); err != nil {
			f.Add(key, "cannot be read: put the credentials there: %w", err)
			return
		}
	}
	a, err := parseAccount(text)
	f.AddIf(err != nil, key, "cannot be used: %w", err)
	c.isV1 = a.isV1()
}

// isWordless reports whether a message shows nothing but its text.
func (c *Config) isWordless() bool {
	s := &c.Android
	words := func(field func(*notice.Notice) string) string { return s.Text(push.ActMsg, field) }
	body := words(func(n *notice.Notice) string { return n.Body })
	if body == notice.MessageText {
		body = words(func(n *notice.Notice) string { return n.Fallback })
	}
	return s.Enabled && body == "" &&
		words(func(n *notice.Notice) string { return n.Title }) == "" &&
		(!c.isV1 || words(func(n *notice.Notice) string { return n.TitleLocKey + n.BodyLocKey }) == "")
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// path is where the messages of a go to, below the endpoint.
func (a *account) path() string {
	if a.isV1() {
		return fmt.Sprintf("/v1/%s/messages:send", url.PathEscape(a.AppID))
	}
	return fmt.Sprintf("/v3/%s/messages:send", url.PathEscape(a.ProjectID))
}
