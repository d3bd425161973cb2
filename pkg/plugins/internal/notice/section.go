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
	// Enabled has the operating system draw the notification.
	Enabled bool `json:"enabled"`
	Notice
	// Msg overrides for messages.
	Msg Notice `json:"msg"`
	// Sub overrides for invitations.
	Sub Notice `json:"sub"`
}

// Notice is the text and the look of a notification. The tag "on" says which
// platforms know a key; "pushworker doctor" warns of one that is set for another.
type Notice struct {
	// Title is the first line.
	Title string `json:"title" on:"android,apns,webpush"`
	// TitleLocKey is the name of the first line among the app's own texts, in the
	// language of its user.
	TitleLocKey string `json:"title_loc_key" on:"android,apns"`
	// TitleLocArgs are put into that text; "$content" is the message.
	TitleLocArgs []string `json:"title_loc_args" on:"android,apns"`
	// Body may be "$content": the message in plain text.
	Body string `json:"body" on:"android,apns,webpush"`
	// BodyLocKey is the name of the text among the app's own. A message without words,
	// such as a picture without a name, gives way to it.
	BodyLocKey string `json:"body_loc_key" on:"android,apns"`
	// BodyLocArgs are put into that text; "$content" is the message.
	BodyLocArgs []string `json:"body_loc_args" on:"android,apns"`
	// Icon is a picture in the app, for browsers its address.
	Icon string `json:"icon" on:"android,webpush"`
	// Color is #RRGGBB. Android only.
	Color string `json:"color" on:"android"`
	// IconColor is the old name of Color.
	IconColor string `json:"icon_color" on:"android"`
	// ClickAction is what a click starts: an activity of the Android app, the https
	// address that a browser opens; for Apple another name of Category.
	ClickAction string `json:"click_action" on:"android,apns,webpush"`
	// ChannelID is the notification channel of the app, which must have made it.
	// Android only.
	ChannelID string `json:"channel_id" on:"android"`
	// Visibility on the lock screen is "private", which is the default, "public" or
	// "secret". Android only.
	Visibility string `json:"visibility" on:"android"`
	// Sound is the name of a file in the app; for Apple it is "default" without it.
	Sound string `json:"sound" on:"android,apns"`
	// Image is the address of a picture.
	Image string `json:"image" on:"android,apns,webpush"`
	// Action is Apple's: the title of the button.
	Action string `json:"action" on:"apns"`
	// ActionLocKey is Action among the app's own texts.
	ActionLocKey string `json:"action_loc_key" on:"apns"`
	// LaunchImage is Apple's: what the app shows while it starts.
	LaunchImage string `json:"launch_image" on:"apns"`
	// LocKey is Apple's name of BodyLocKey, and goes before it.
	LocKey string `json:"loc_key" on:"apns"`
	// LocArgs is Apple's name of BodyLocArgs, and goes before it.
	LocArgs []string `json:"loc_args" on:"apns"`
	// Subtitle is Apple's line below the title.
	Subtitle string `json:"subtitle" on:"apns"`
	// SummaryArg is what Apple's summary of several notifications names.
	SummaryArg string `json:"summary_arg" on:"apns"`
	// SummaryArgCount is how much the notification counts for in the summary.
	SummaryArgCount int `json:"summary_arg_count" on:"apns"`
	// Category is Apple's name of the buttons that the app has defined.
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
		n.Title, n.TitleLocKey, n.Body, n.BodyLocKey, n.Icon, n.Colored(), n.ClickAction, n.ChannelID, n.Sound, n.Image,
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
