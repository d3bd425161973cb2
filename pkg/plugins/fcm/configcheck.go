package fcm

import (
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
	c.Android.check(&f, "android", c)
	c.APNS.check(&f, "apns", c)
	c.Webpush.check(&f, "webpush", c)
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
		f.addIf(isNoPath(c.CredentialsFile), "credentials_file", "is no path, perhaps the key itself: put that under \"credentials\"")
		return
	}
	a, err := parseAccount(c.Credentials)
	if err != nil {
		f.add("credentials", "cannot be used: %w", err)
		return
	}
	f.addIf(c.ProjectID == "" && !projectPattern.MatchString(a.ProjectID), "credentials", "has no usable project_id: copy the service account's key as it is, or set the key \"project_id\"")
}

// check looks at a section and notes in c what its notifications need.
func (s *Section) check(f *faults, path string, c *Config) {
	s.Notice.check(f, path)
	s.Msg.check(f, path+".msg")
	s.Sub.check(f, path+".sub")
	size := s.size() + max(s.Msg.size(), s.Sub.size())
	f.addIf(size > maxNotice, path, "has texts of %d bytes in all, names included: want at most %d, to leave room for the message", size, maxNotice)
	c.noticeRoom = max(c.noticeRoom, size)
	c.noticeCopies = max(c.noticeCopies, s.copies())
}

func (n *Notice) check(f *faults, path string) {
	f.addIf(!isColor(n.Color), path+".color", badColor)
	f.addIf(!isColor(n.IconColor), path+".icon_color", badColor)
	f.addIf(!isVisibility(n.Visibility), path+".visibility", `is unknown: want "private", "public" or "secret"`)
}

const badColor = "is no color: want #RRGGBB, such as #3949AB"

func isColor(s string) bool { return s == "" || colorPattern.MatchString(s) }

func isVisibility(s string) bool { return s == "" || s == "private" || s == "public" || s == "secret" }
