package notice

import (
	"cmp"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/pkg/push"
)

// MessageText in a Body or among the arguments of a text is the message in plain
// text.
const MessageText = "$content"

// Section is how notifications look on one platform. Msg and Sub override, key by
// key, for actions of that name.
type Section struct {
	// Enabled lets the operating system draw the notification.
	Enabled bool `json:"enabled"`
	Notice
	// Msg overrides keys for messages.
	Msg Notice `json:"msg"`
	// Sub overrides keys for invitations.
	Sub Notice `json:"sub"`
}

// Notice is the text and the look of a notification. The tag "on" says which
// platforms know a key; "pushworker doctor" warns of one that is set for another.
type Notice struct {
	// Title is the first line.
	Title string `json:"title" on:"android,apns,webpush"`
	// TitleLocKey is the key of the first line among the app's translated texts.
	TitleLocKey string `json:"title_loc_key" on:"android,apns"`
	// TitleLocArgs are the arguments of that text; "$content" is the message.
	TitleLocArgs []string `json:"title_loc_args" on:"android,apns"`
	// Body is the text. "$content" is the message in plain text.
	Body string `json:"body" on:"android,apns,webpush"`
	// Fallback is the text in place of "$content" if a message has no words: a picture without
	// a name, a number, an object of another app, no content at all, or a text that "ids_only" hides.
	// BodyLocKey goes before it. Without both, the push says what kind of thing the message is,
	// such as [IMAGE '?'] or [MESSAGE].
	Fallback string `json:"fallback" on:"android,apns,webpush"`
	// BodyLocKey is the key of the text among the app's translated texts. It also
	// replaces Body if a message has no words, such as a picture without a name.
	BodyLocKey string `json:"body_loc_key" on:"android,apns"`
	// BodyLocArgs are the arguments of that text; "$content" is the message.
	BodyLocArgs []string `json:"body_loc_args" on:"android,apns"`
	// Icon is the name of a picture in the app; for browsers it is an address.
	Icon string `json:"icon" on:"android,webpush"`
	// Color is a color of the form #RRGGBB. Android only.
	Color string `json:"color" on:"android"`
	// IconColor is the old name of Color.
	IconColor string `json:"icon_color" on:"android"`
	// ClickAction is what a click starts: an activity of the Android app, or the https
	// address that a browser opens. For Apple it is another name of Category.
	ClickAction string `json:"click_action" on:"android,apns,webpush"`
	// ChannelID is a notification channel that the app has made. Android only.
	ChannelID string `json:"channel_id" on:"android"`
	// Visibility is what the lock screen shows: "private" (the default), "public" or
	// "secret". Android only.
	Visibility string `json:"visibility" on:"android"`
	// Sound is the name of a sound file in the app. For Apple the default is "default".
	Sound string `json:"sound" on:"android,apns"`
	// Image is the address of a picture.
	Image string `json:"image" on:"android,apns,webpush"`
	// Action is the title of the button. Apple only.
	Action string `json:"action" on:"apns"`
	// ActionLocKey is the key of Action among the app's translated texts. Apple only.
	ActionLocKey string `json:"action_loc_key" on:"apns"`
	// LaunchImage is the picture that the app shows while it starts. Apple only.
	LaunchImage string `json:"launch_image" on:"apns"`
	// LocKey is Apple's name of BodyLocKey. For Apple it overrides BodyLocKey.
	LocKey string `json:"loc_key" on:"apns"`
	// LocArgs is Apple's name of BodyLocArgs. For Apple it overrides BodyLocArgs.
	LocArgs []string `json:"loc_args" on:"apns"`
	// Subtitle is the line below the title. Apple only.
	Subtitle string `json:"subtitle" on:"apns"`
	// SummaryArg is the name in Apple's summary of several notifications.
	SummaryArg string `json:"summary_arg" on:"apns"`
	// SummaryArgCount is how many the notification counts for in that summary.
	SummaryArgCount int `json:"summary_arg_count" on:"apns"`
	// Category is the name of a set of buttons that the app has defined. Apple only.
	Category string `json:"category" on:"apns"`
}

// Text is the value of a key for an action: that of its own notice, else the
// section's.
func (s *Section) Text(what string, field func(*Notice) string) string {
	return cmp.Or(field(s.Override(what)), field(&s.Notice))
}

// Args are Text for a key that has a list.
func (s *Section) Args(what string, field func(*Notice) []string) []string {
	if own := field(s.Override(what)); len(own) > 0 {
		return own
	}
	return field(&s.Notice)
}

// Override is the notice that goes before the section's own.
func (s *Section) Override(what string) *Notice {
	switch what {
	case push.ActMsg:
		return &s.Msg
	case push.ActSub:
		return &s.Sub
	}
	return &s.Notice
}

// Colored is the color by its new name or its old one.
func (n *Notice) Colored() string { return cmp.Or(n.Color, n.IconColor) }

// lists are the arguments of its texts.
func (n *Notice) lists() []string {
	return slices.Concat(n.TitleLocArgs, n.BodyLocArgs, n.LocArgs)
}

// size is how many bytes the notice needs in a push, without the message's text.
func (n *Notice) size() int {
	const name = len("notification_priority") // no name is longer
	size := 0
	for _, text := range append(n.lists(),
		n.Title, n.TitleLocKey, n.Body, n.Fallback, n.BodyLocKey, n.Icon, n.Colored(), n.ClickAction, n.ChannelID, n.Sound, n.Image,
		n.Action, n.ActionLocKey, n.LaunchImage, n.LocKey, n.Subtitle, n.SummaryArg, n.Category,
	) {
		if text != "" {
			size += name + entryRoom + textSize(text)
		}
	}
	return size
}

// copies is how often a notification repeats the message's text at most.
func (s *Section) copies() int {
	n := &Notice{
		Body:         s.Text(push.ActMsg, func(n *Notice) string { return n.Body }),
		TitleLocArgs: s.Args(push.ActMsg, func(n *Notice) []string { return n.TitleLocArgs }),
		BodyLocArgs:  s.Args(push.ActMsg, func(n *Notice) []string { return n.BodyLocArgs }),
		LocArgs:      s.Args(push.ActMsg, func(n *Notice) []string { return n.LocArgs }),
	}
	count := 0
	for _, text := range append(n.lists(), n.Body) {
		if text == MessageText {
			count++
		}
	}
	return count
}

// Idle are the keys of the section called name that are set and that its platform
// does not know, or cannot use.
func (s *Section) Idle(name string) []string {
	var idle []string
	for prefix, n := range map[string]*Notice{name + ".": &s.Notice, name + ".msg.": &s.Msg, name + ".sub.": &s.Sub} {
		value := reflect.ValueOf(n).Elem()
		for i, field := range reflect.VisibleFields(value.Type()) {
			known := slices.Contains(strings.Split(field.Tag.Get("on"), ","), name)
			if !value.Field(i).IsZero() && (!known || !n.usable(field.Name, name)) {
				idle = append(idle, prefix+field.Tag.Get("json"))
			}
		}
	}
	slices.Sort(idle)
	return idle
}

// Idle warns of keys that are accepted for the sake of existing configurations and do
// nothing where they are set; page lists those that do.
func (s *Settings) Idle(page string) []push.Finding {
	idle := slices.Concat(s.Android.Idle("android"), s.APNS.Idle("apns"), s.Webpush.Idle("webpush"))
	if len(idle) == 0 {
		return nil
	}
	return []push.Finding{{
		Level: push.LevelWarn, Check: "sections",
		Text:   "these keys do nothing, because their platform does not know them or cannot use the value: " + strings.Join(idle, ", "),
		Remedy: "remove them; " + page + " lists the keys of each platform",
	}}
}

// usable reports whether the value of a field that section knows can be sent.
func (n *Notice) usable(field, section string) bool {
	switch {
	case field == "Image":
		return IsAddress(n.Image)
	case field == "ClickAction" && section == "webpush":
		return IsLink(n.ClickAction)
	}
	return true
}

// IsAddress reports whether providers take s for the address of a picture.
func IsAddress(s string) bool {
	u, err := url.ParseRequestURI(s)
	return err == nil && u.Host != ""
}

// IsLink reports whether a browser may be sent there.
func IsLink(s string) bool { return IsAddress(s) && strings.HasPrefix(s, "https://") }
