package fcm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"
)

const (
	maxInFlight = 1 << 16
	// maxNotice is how many bytes the texts of a notification may have, so that a
	// push is never too large because of its configuration.
	maxNotice = 1000
)

var (
	colorPattern   = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)       // the SDK refuses others
	projectPattern = regexp.MustCompile(`^[a-zA-Z0-9.:_-]{1,64}$`) // it becomes part of an URL
	bundlePattern  = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,155}$`)
)

// faults collects what is wrong with a config.
type faults []error

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, fmt.Errorf("key %q "+format, append([]any{key}, args...)...))
}

func (f *faults) addIf(wrong bool, key, format string, args ...any) {
	if wrong {
		f.add(key, format, args...)
	}
}

// check joins the faults of decoding with those of values that are of the right
// type and make no sense.
func (c *Config) check(decoding error) error {
	f := faults{decoding}
	f.addIf(c.TimeToLive < time.Second || c.TimeToLive > maxTTL, "time_to_live", "is %s: want between 1 s and 2419200 s, which is four weeks", c.TimeToLive)
	f.addIf(c.MaxInFlight < 0 || c.MaxInFlight > maxInFlight, "max_in_flight", "is %d: want between 1 and %d, or leave it out", c.MaxInFlight, maxInFlight)
	f.addIf(!(c.PerSecond > 0), "per_second", "is negative: leave it out for the default")
	f.addIf(c.Ramp < 0, "ramp", "is negative: leave it out for the default")
	f.addIf(c.APNSBundleID != "" && !bundlePattern.MatchString(c.APNSBundleID), "apns_bundle_id", `is no bundle id: want letters, digits, "." and "-", such as com.example.app`)
	c.checkEndpoint(&f)
	c.checkCredentials(&f)
	c.Android.check(&f, "android", &c.noticeRoom)
	c.APNS.check(&f, "apns", &c.noticeRoom)
	c.Webpush.check(&f, "webpush", &c.noticeRoom)
	return errors.Join(f...)
}

func (c *Config) checkEndpoint(f *faults) {
	if c.Endpoint == "" {
		return
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.add("endpoint", "is no URL that requests can go to: want one such as http://127.0.0.1:9080/v1")
	}
}

// checkCredentials looks at what is in the config; the file is not read here.
func (c *Config) checkCredentials(f *faults) {
	if c.ProjectID != "" && !projectPattern.MatchString(c.ProjectID) {
		f.add("project_id", "is no project id: copy it from the Firebase console, project settings")
	}
	if len(c.Credentials) == 0 {
		f.addIf(c.CredentialsFile == "", "credentials_file", "is missing: name the file with the service account's key, or put its content under \"credentials\"")
		return
	}
	var a account
	if err := json.Unmarshal(c.Credentials, &a); err != nil {
		f.add("credentials", "has a member of the wrong type: copy the service account's key as it is")
		return
	}
	f.addIf(a.Type != "" && a.Type != "service_account", "credentials", "is not the key of a service account: create one in the Firebase console, project settings, service accounts")
	f.addIf(a.ClientEmail == "" || a.PrivateKey == "", "credentials", "has no client_email or no private_key: copy the service account's key as it is")
	f.addIf(c.ProjectID == "" && !projectPattern.MatchString(a.ProjectID), "credentials", "has no usable project_id: copy the service account's key as it is, or set the key \"project_id\"")
}

// check looks at a section and adds to room what its notifications need.
func (s *Section) check(f *faults, path string, room *int) {
	s.Notice.check(f, path)
	s.Msg.check(f, path+".msg")
	s.Sub.check(f, path+".sub")
	size := s.size() + max(s.Msg.size(), s.Sub.size())
	f.addIf(size > maxNotice, path, "has texts of %d bytes in all, names included: want at most %d, to leave room for the message", size, maxNotice)
	*room = max(*room, size)
}

func (n *Notice) check(f *faults, path string) {
	f.addIf(!isColor(n.Color), path+".color", badColor)
	f.addIf(!isColor(n.IconColor), path+".icon_color", badColor)
}

const badColor = "is no color: want #RRGGBB, such as #3949AB"

func isColor(s string) bool { return s == "" || colorPattern.MatchString(s) }

// size is how many bytes the notice needs in a push.
func (n *Notice) size() int {
	const name = len("notification_priority") // no name is longer
	size := 0
	for _, text := range []string{
		n.Title, n.TitleLocKey, n.Body, n.BodyLocKey, n.Icon, n.color(), n.ClickAction,
		n.Action, n.ActionLocKey, n.LaunchImage, n.LocKey, n.Subtitle, n.SummaryArg,
	} {
		if text != "" {
			size += name + entryRoom + textSize(text)
		}
	}
	return size
}
