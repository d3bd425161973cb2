package notice

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	defaultTTL = time.Hour
	// maxTTL is the most that FCM, and browsers' servers, allow: four weeks.
	maxTTL = 2_419_200 * time.Second
	// ringTTL is how long a call that has started is worth telling of.
	ringTTL = 30 * time.Second
	// maxNotice is how many bytes the texts of a notification may have, so that a
	// push is never too large because of its configuration.
	maxNotice = 1000
)

// Settings are the keys that all providers of notifications take; their configs embed
// it.
type Settings struct {
	// TimeToLive is how long a notification is worth showing after the time of its
	// event. The default is one hour, the most is four weeks. For a call that rings it is
	// at most 30 s.
	TimeToLive time.Duration `json:"time_to_live"`
	// Android, APNS and Webpush say whether the operating system draws the
	// notification, and how. Without them, apps get the data and draw the notification
	// themselves.
	Android Section `json:"android"`
	APNS    Section `json:"apns"`
	Webpush Section `json:"webpush"`
	// IDsOnly hides from the provider what people write: a push says which message
	// there is, and the app fetches it. The push leaves out the text, its preview, the
	// MIME type, and "$content" in body.
	IDsOnly bool `json:"ids_only"`
	// Improvements switches the intended differences from Tinode. With all of them off,
	// messages are the same as Tinode's.
	Improvements Improvements `json:"improvements"`

	// room is how many bytes the texts of notifications have at most, but for the
	// content of messages.
	room int
	// repeats is how often a notification repeats the content at most.
	repeats int
	// ring is how long a call is worth telling of; 0 for ringTTL.
	ring time.Duration
}

// Improvements are the differences from Tinode; docs/fcm-messages.md has the reasons.
// All but AndroidCollapseKey are on by default.
type Improvements struct {
	// ClearBadge sends a badge of 0 when nothing is unread, so that the badge goes away.
	ClearBadge bool `json:"clear_badge"`
	// CollapsePerMessage gives each message an identity of its own, in apns-collapse-id
	// and in the Topic header of web push. A repeated push then replaces its own copy and
	// no other message. Tinode gives one identity to each topic.
	CollapsePerMessage bool `json:"collapse_per_message"`
	// AndroidCollapseKey also sends that identity as Android's collapse_key. It is off by
	// default, because FCM stores only four such messages for a device that is offline,
	// and delays bursts of more than 20.
	AndroidCollapseKey bool `json:"android_collapse_key"`
	// RemainingTTL counts time_to_live from the message's own time, and tells the provider
	// what is left of it. Tinode counts it from the moment of sending. Browsers get a TTL
	// too.
	RemainingTTL bool `json:"remaining_ttl"`
	// Shrink makes a message smaller if it has more than FCM's 4,096 bytes (2,048 for
	// channels). Without it, FCM refuses the message.
	Shrink bool `json:"shrink"`
	// TolerateContent sends a message although a part of its content cannot be read, and
	// leaves that part out. If no words remain, the push says what kind of message it is.
	// Without it, such a message is not sent.
	TolerateContent bool `json:"tolerate_content"`
	// Quiet shows and sounds nothing for what is not news to its user: a message that the
	// user already has, an edit, a call that is over, something read on another device.
	// Such a push wakes the app at low priority. A call that rings is news, and so is a
	// missed call.
	Quiet bool `json:"quiet"`
	// WholeCharacters counts characters as readers see them, and cuts a text between
	// them. Tinode counts code points, and can cut an emoji in two.
	WholeCharacters bool `json:"whole_characters"`
	// AllKeys sends the keys of the sections that Tinode accepts but does not send.
	AllKeys bool `json:"all_keys"`
}

// Defaults are the settings of a config that says nothing.
func Defaults() Settings {
	return Settings{Improvements: Improvements{
		ClearBadge: true, CollapsePerMessage: true, RemainingTTL: true, Shrink: true, TolerateContent: true,
		Quiet: true, WholeCharacters: true, AllKeys: true,
	}}
}

// RingFor has a call be worth telling of for d instead of 30 s.
func (s *Settings) RingFor(d time.Duration) { s.ring = d }

// Lifetime is how long after its time r is worth sending.
func (s *Settings) Lifetime(r *push.Receipt) time.Duration {
	if isRinging(&r.Payload) {
		return min(s.TimeToLive, cmp.Or(s.ring, ringTTL))
	}
	return s.TimeToLive
}

// Faults collects what is wrong with a config.
type Faults []error

// Add notes that the value of a key is wrong.
func (f *Faults) Add(key, format string, args ...any) {
	*f = append(*f, fmt.Errorf("key %q "+format, append([]any{key}, args...)...))
}

// AddIf is Add if wrong.
func (f *Faults) AddIf(wrong bool, key, format string, args ...any) {
	if wrong {
		f.Add(key, format, args...)
	}
}

// Join is all faults as one error; nil if there is none.
func (f *Faults) Join() error { return errors.Join(*f...) }

// Complete fills in what a config has left out, and notes values that are of the
// right type and make no sense.
func (s *Settings) Complete(f *Faults) {
	s.TimeToLive = cmp.Or(s.TimeToLive, defaultTTL)
	f.AddIf(s.TimeToLive < time.Second || s.TimeToLive > maxTTL, "time_to_live", "is %s: want between 1 s and 2419200 s, which is four weeks", s.TimeToLive)
}

// CheckSections notes what is wrong with the sections, and what their notifications
// need.
func (s *Settings) CheckSections(f *Faults) {
	s.check(f, &s.Android, "android")
	s.check(f, &s.APNS, "apns")
	s.check(f, &s.Webpush, "webpush")
}

func (s *Settings) check(f *Faults, of *Section, path string) {
	of.check(f, path)
	of.Msg.check(f, path+".msg")
	of.Sub.check(f, path+".sub")
	fallback := max(textSize(of.Fallback), textSize(of.Msg.Fallback), textSize(of.Sub.Fallback))
	size := of.size() + max(of.Msg.size(), of.Sub.size()) + max(0, of.copies()-1)*fallback
	f.AddIf(size > maxNotice, path, "has texts of %d bytes in all, names included: want at most %d, to leave room for the message", size, maxNotice)
	s.room = max(s.room, size)
	s.repeats = max(s.repeats, of.copies())
}

func (n *Notice) check(f *Faults, path string) {
	f.AddIf(!isColor(n.Color), path+".color", badColor)
	f.AddIf(!isColor(n.IconColor), path+".icon_color", badColor)
	f.AddIf(!isVisibility(n.Visibility), path+".visibility", `is unknown: want "private", "public" or "secret"`)
}

const badColor = "is not a color: want #RRGGBB, such as #3949AB"

var colorPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`) // FCM's SDK refuses others

func isColor(s string) bool { return s == "" || colorPattern.MatchString(s) }

func isVisibility(s string) bool { return s == "" || s == "private" || s == "public" || s == "secret" }
