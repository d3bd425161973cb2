package fcm

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/plugins/internal/serviceaccount"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// defaultInFlight fills eight connections with 90 requests each, under FCM's
	// limit of 100. mostInFlight are for latencies that need more: 160 ms at
	// defaultPerSecond.
	defaultInFlight = 720
	mostInFlight    = 1440
	// defaultPerSecond is nine tenths of the default quota of 600,000 a minute.
	defaultPerSecond = 9000
	defaultRamp      = time.Minute
)

// Config is the manual of the handler's own keys; [push.Common] has the others.
// The keys of the chat server's own FCM plug-in mean what they mean there, of its
// old versions too. Durations are strings such as "1m30s", or numbers of seconds.
type Config struct {
	// Credentials is the key of a Google service account: the JSON object that Google
	// gives you, or a string that contains it, plain or in base64. If CredentialsFile is
	// set too, Credentials is used.
	Credentials serviceaccount.Key `json:"credentials"`
	// CredentialsFile is the path of a file with that key. If you replace the file, the
	// worker uses the new key without a restart. If the file is missing, readiness and
	// status say so.
	CredentialsFile string `json:"credentials_file"`
	// ProjectID is the Firebase project. The default is the project of the credentials.
	ProjectID string `json:"project_id"`
	// Endpoint is the URL of FCM, a proxy or a fake, up to and including the version, such
	// as "http://127.0.0.1:9080/v1". The default is Google's. Without TLS the server may
	// speak HTTP/2 or HTTP/1.1.
	Endpoint string `json:"endpoint"`
	// TopicsEndpoint is the URL at which devices are subscribed to topics, up to and
	// including the version. The default is Google's, and with endpoint the same server's
	// "/iid/v1".
	TopicsEndpoint string `json:"topics_endpoint"`
	// Transport is how the worker speaks HTTP to FCM. "auto", the default, is a client for
	// many small messages over HTTP/2, or Go's net/http if the environment names a proxy,
	// the endpoint begins with http://, or the server does not speak HTTP/2. "net/http" is
	// always Go's net/http.
	Transport string `json:"transport"`
	// DryRun asks FCM to check each message and to deliver none. No device is subscribed to
	// a channel then.
	DryRun bool `json:"dry_run"`
	// MaxInFlight is how many requests may be open at the same time. The default is
	// 720, and up to 1440 while FCM's answers take so long that 720 do not allow PerSecond.
	MaxInFlight int           `json:"max_in_flight"`
	stretched   int           // what it may become; 0 if the config says MaxInFlight
	pingWait    time.Duration // of a test; 0 for the default
	// PerSecond is how many requests this process may make in a second. The default is
	// 9000. FCM's default quota is 10,000 for a project.
	PerSecond float64 `json:"per_second"`
	// Ramp is how long the handler takes to raise its rate from a tenth of PerSecond to
	// all of it, after a start and after an outage. The default is one minute.
	Ramp time.Duration `json:"ramp"`

	// APNSBundleID is the bundle id of the app for Apple devices.
	APNSBundleID string `json:"apns_bundle_id"`

	notice.Settings
}

// parseConfig reads the text of the handler's config. All faults are reported at
// once, joined.
func parseConfig(jsonconf string) (*Config, error) {
	c := &Config{Settings: notice.Defaults()}
	err := push.DecodeConfig(jsonconf, c)
	if c.MaxInFlight == 0 {
		c.MaxInFlight, c.stretched = defaultInFlight, mostInFlight
	}
	c.PerSecond = cmp.Or(c.PerSecond, defaultPerSecond)
	c.Ramp = cmp.Or(c.Ramp, defaultRamp)
	err = c.check(err)
	if err != nil && c.CredentialsFile != "" && !serviceaccount.IsNoPath(c.CredentialsFile) {
		err = errors.Join(err, c.findProject()) // so that this is told together with the others
	}
	return c, err
}

var errNoProject = errors.New(`key "project_id" is missing and the credentials name no project: set it`)

// warnings are what deserves a look: a project that is not the key's own, which is right
// only if the service account may send for it. A file that cannot be read is told later.
func (c *Config) warnings() []string {
	key := []byte(c.Credentials)
	if len(key) == 0 {
		key, _ = os.ReadFile(c.CredentialsFile)
	}
	a, err := serviceaccount.Parse(key)
	if err != nil || a.ProjectID == "" || a.ProjectID == c.ProjectID {
		return nil
	}
	return []string{fmt.Sprintf(`"project_id" is %s, and the credentials are of project %s: remove "project_id", unless this service account may send for %[1]s`, c.ProjectID, a.ProjectID)}
}

// findProject reads the credentials file if nothing else says the project's id.
func (c *Config) findProject() error {
	if c.ProjectID != "" {
		return nil
	}
	key, err := os.ReadFile(c.CredentialsFile)
	if err != nil {
		return fmt.Errorf(`read key "credentials_file" for the project's id: put the service account's key there, or set "project_id": %w`, err)
	}
	a, err := serviceaccount.Parse(key)
	if err != nil {
		return fmt.Errorf(`read key "credentials_file" for the project's id: %w`, err)
	}
	if c.ProjectID = a.ProjectID; c.ProjectID == "" {
		return errNoProject
	}
	return nil
}
