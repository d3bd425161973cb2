package fcm

import (
	"net/url"
	"regexp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/plugins/internal/serviceaccount"
)

const (
	maxInFlight = 1 << 16

	transportAuto    = "auto"
	transportNetHTTP = "net/http"
)

var (
	projectPattern = regexp.MustCompile(`^[a-zA-Z0-9.:_-]{1,64}$`) // it becomes part of an URL
	bundlePattern  = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,155}$`)
)

// check joins the faults of decoding with those of values that are of the right
// type and make no sense.
func (c *Config) check(decoding error) error {
	f := notice.Faults{decoding}
	c.Complete(&f)
	f.AddIf(c.MaxInFlight < 0 || c.MaxInFlight > maxInFlight, "max_in_flight", "is %d: want between 1 and %d, or leave it out", c.MaxInFlight, maxInFlight)
	f.AddIf(!(c.PerSecond > 0), "per_second", "is negative: leave it out for the default")
	f.AddIf(c.Ramp < 0, "ramp", "is negative: leave it out for the default")
	f.AddIf(c.Transport != "" && c.Transport != transportAuto && c.Transport != transportNetHTTP, "transport", "is %q: want %q or %q, or leave it out", c.Transport, transportAuto, transportNetHTTP)
	f.AddIf(c.APNSBundleID != "" && !bundlePattern.MatchString(c.APNSBundleID), "apns_bundle_id", `is not a bundle id: want letters, digits, "." and "-", such as com.example.app`)
	checkEndpoint(&f, "endpoint", c.Endpoint)
	checkEndpoint(&f, "topics_endpoint", c.TopicsEndpoint)
	c.checkCredentials(&f)
	c.CheckSections(&f)
	return f.Join()
}

func checkEndpoint(f *notice.Faults, key, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.Add(key, "is no URL that requests can go to: want one such as http://127.0.0.1:9080/v1")
	}
}

// checkCredentials looks at what is in the config; the file is not read here.
func (c *Config) checkCredentials(f *notice.Faults) {
	if c.ProjectID != "" && !projectPattern.MatchString(c.ProjectID) {
		f.Add("project_id", "is not a project id: copy it from the Firebase console, project settings")
	}
	if len(c.Credentials) == 0 {
		f.AddIf(c.CredentialsFile == "", "credentials_file", "is missing: name the file with the service account's key, or put its content under \"credentials\"")
		f.AddIf(serviceaccount.IsNoPath(c.CredentialsFile), "credentials_file", "is not a path, perhaps the key itself: put the key under \"credentials\"")
		return
	}
	a, err := serviceaccount.Parse(c.Credentials)
	if err != nil {
		f.Add("credentials", "cannot be used: %w", err)
		return
	}
	if c.ProjectID == "" {
		c.ProjectID = a.ProjectID
		f.AddIf(!projectPattern.MatchString(c.ProjectID), "credentials", "has no usable project_id: copy the service account's key as it is, or set the key \"project_id\"")
	}
}
