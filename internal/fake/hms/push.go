package hms

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pushworker/pushworker/internal/fake"
)

const (
	maxBody   = 4096 // without the tokens
	maxTokens = 1000
	maxTTL    = 15 * 24 * 3600
)

// push is a request that was understood.
type push struct {
	tokens []string
	dry    bool
}

// parse reads a request, or says which answer it gets.
func parse(c *fake.Call, v1 bool) (p push, name string) {
	var list json.RawMessage
	if v1 {
		p, list, name = parseV1(c.Body)
	} else {
		p, list, name = parseV3(c.Body, c.Header("push-type"))
	}
	switch {
	case name != "":
		return p, name
	case len(p.tokens) < 1 || len(p.tokens) > maxTokens:
		return p, tokenCount
	case len(c.Body)-len(list) > maxBody:
		return p, tooLarge
	}
	return p, ""
}

// exactly reads JSON that has nothing but what is documented. Huawei ignores the rest;
// whoever sends it has made a mistake.
func exactly(text []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into) == nil && !d.More()
}

// messageV3 is "Request Body Structure" of v3.
type messageV3 struct {
	Payload json.RawMessage `json:"payload"`
	Target  struct {
		Token json.RawMessage `json:"token"`
	} `json:"target"`
	Options struct {
		Test        bool   `json:"testMessage"`
		TTL         *int   `json:"ttl"`
		BiTag       string `json:"biTag"`
		ReceiptID   string `json:"receiptId"`
		CollapseKey *int   `json:"collapseKey"`
	} `json:"pushOptions"`
}

// alertV3 is the payload of push type 0.
type alertV3 struct {
	Notification *struct {
		Category     string   `json:"category"`
		Title        string   `json:"title"`
		Body         string   `json:"body"`
		Image        string   `json:"image"`
		Sound        string   `json:"sound"`
		Style        int      `json:"style"`
		InboxContent []string `json:"inboxContent"`
		NotifyID     *int32   `json:"notifyId"`
		Foreground   *bool    `json:"foregroundShow"`
		ClickAction  *struct {
			Type   *int           `json:"actionType"`
			Action string         `json:"action"`
			URI    string         `json:"uri"`
			Data   map[string]any `json:"data"`
		} `json:"clickAction"`
		Badge *struct {
			Add int `json:"addNum"`
			Set int `json:"setNum"`
		} `json:"badge"`
	} `json:"notification"`
}

func parseV3(body []byte, kind string) (p push, list json.RawMessage, name string) {
	var m messageV3
	if !exactly(body, &m) || json.Unmarshal(m.Target.Token, &p.tokens) != nil {
		return p, nil, structure
	}
	switch o := m.Options; {
	case o.TTL != nil && (*o.TTL < 1 || *o.TTL > maxTTL):
		return p, nil, badTTL
	case o.CollapseKey != nil && (*o.CollapseKey < -1 || *o.CollapseKey > 100):
		return p, nil, badKey
	}
	ok := false
	switch kind {
	case "0":
		var a alertV3
		ok = exactly(m.Payload, &a) && a.complete()
	case "6", "10": // background, in-app call
		var data struct {
			Extra string `json:"extraData"`
			Proxy string `json:"proxyData"`
		}
		ok = exactly(m.Payload, &data) && data.Extra != ""
	}
	if !ok {
		return p, nil, structure
	}
	return p, m.Target.Token, ""
}

func (a *alertV3) complete() bool {
	n := a.Notification
	if n == nil || n.Title == "" || n.Body == "" || n.ClickAction == nil || n.ClickAction.Type == nil {
		return false
	}
	categories := strings.Fields("IM VOIP SUBSCRIPTION TRAVEL HEALTH WORK ACCOUNT EXPRESS FINANCE DEVICE_REMINDER MAIL NEWS MARKETING")
	click := n.ClickAction
	return slices.Contains(categories, n.Category) && (*click.Type == 0 || *click.Type == 1 && click.Action+click.URI != "") &&
		(n.NotifyID == nil || *n.NotifyID >= 0) && (n.Badge == nil || n.Badge.Set >= 0 && n.Badge.Set < 100)
}

// messageV1 is the body of v1.
type messageV1 struct {
	Dry     bool `json:"validate_only"`
	Message struct {
		Data         string          `json:"data"`
		Notification json.RawMessage `json:"notification"`
		Android      androidV1       `json:"android"`
		Token        json.RawMessage `json:"token"`
	} `json:"message"`
}

type androidV1 struct {
	CollapseKey  *int            `json:"collapse_key"`
	Urgency      string          `json:"urgency"`
	Category     string          `json:"category"`
	TTL          string          `json:"ttl"`
	BiTag        string          `json:"bi_tag"`
	Data         string          `json:"data"`
	Notification *notificationV1 `json:"notification"`
}

type notificationV1 struct {
	Title        string   `json:"title"`
	Body         string   `json:"body"`
	Icon         string   `json:"icon"`
	Color        string   `json:"color"`
	Sound        string   `json:"sound"`
	DefaultSound bool     `json:"default_sound"`
	Tag          string   `json:"tag"`
	TitleLocKey  string   `json:"title_loc_key"`
	TitleLocArgs []string `json:"title_loc_args"`
	BodyLocKey   string   `json:"body_loc_key"`
	BodyLocArgs  []string `json:"body_loc_args"`
	ChannelID    string   `json:"channel_id"`
	Image        string   `json:"image"`
	NotifyID     int32    `json:"notify_id"`
	Importance   string   `json:"importance"`
	Visibility   string   `json:"visibility"`
	Foreground   *bool    `json:"foreground_show"`
	ClickAction  *struct {
		Type   int    `json:"type"`
		Intent string `json:"intent"`
		Action string `json:"action"`
		URL    string `json:"url"`
	} `json:"click_action"`
	Badge *struct {
		Add   int    `json:"add_num"`
		Set   int    `json:"set_num"`
		Class string `json:"class"`
	} `json:"badge"`
}

func parseV1(body []byte) (p push, list json.RawMessage, name string) {
	var m messageV1
	if !exactly(body, &m) || json.Unmarshal(m.Message.Token, &p.tokens) != nil {
		return p, nil, structure
	}
	a := m.Message.Android
	seconds, err := strconv.Atoi(strings.TrimSuffix(a.TTL, "s"))
	switch n := a.Notification; {
	case a.TTL != "" && (err != nil || seconds < 1 || seconds > maxTTL):
		return p, nil, badTTL
	case a.CollapseKey != nil && (*a.CollapseKey < -1 || *a.CollapseKey > 100):
		return p, nil, badKey
	case !slices.Contains([]string{"", "HIGH", "NORMAL"}, a.Urgency), n == nil && m.Message.Data == "", n != nil && !n.complete():
		return p, nil, parameter
	}
	p.dry = m.Dry
	return p, m.Message.Token, ""
}

var colorPattern = regexp.MustCompile(`^(#[0-9a-fA-F]{6})?$`)

func (n *notificationV1) complete() bool {
	click := n.ClickAction
	if click == nil || click.Type < 1 || click.Type > 3 || click.Type == 1 && click.Intent+click.Action == "" {
		return false
	}
	return n.Title+n.TitleLocKey+n.Body+n.BodyLocKey != "" && (n.Sound != "" || n.DefaultSound) && colorPattern.MatchString(n.Color) &&
		slices.Contains([]string{"", "VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"}, n.Visibility) &&
		n.NotifyID >= 0 && (n.Badge == nil || n.Badge.Class != "" && n.Badge.Set >= 0 && n.Badge.Set < 100)
}
