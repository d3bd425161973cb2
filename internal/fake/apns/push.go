package apns

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pushworker/pushworker/internal/fake"
)

const (
	maxPayload     = 4096
	maxVoIPPayload = 5120
	maxCollapseID  = 64
)

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func isUUID(s string) bool { return uuidPattern.MatchString(s) }

// suffixes of the topic belong to push types ("Sending notification requests to APNs").
func suffixes() map[string]string {
	return map[string]string{
		"alert": "", "background": "", "voip": ".voip", "complication": ".complication", "controls": ".push-type.controls",
		"widgets": ".push-type.widgets", "fileprovider": ".pushkit.fileprovider", "liveactivity": ".push-type.liveactivity",
		"location": ".location-query", "pushtotalk": ".voip-ptt",
	}
}

// malformed is the reason why a call is no push, or empty.
func malformed(c *fake.Call) string {
	token, ok := strings.CutPrefix(c.Path, "/3/device/")
	switch {
	case !ok:
		return "BadPath"
	case c.Method != http.MethodPost:
		return "MethodNotAllowed"
	case token == "":
		return "MissingDeviceToken"
	case !isToken(token):
		return "BadDeviceToken"
	}
	if reason := badHeader(c); reason != "" {
		return reason
	}
	return badBody(c)
}

func isToken(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) >= 64
}

func badHeader(c *fake.Call) string {
	kind, topic := c.Header("apns-push-type"), c.Header("apns-topic")
	suffix, known := suffixes()[kind]
	switch {
	case topic == "":
		return "MissingTopic"
	case !known:
		return "InvalidPushType"
	case !strings.HasSuffix(topic, suffix), suffix == "" && isSuffixed(topic):
		return "BadTopic"
	}
	priority := c.Header("apns-priority")
	if !slices.Contains([]string{"", "1", "5", "10"}, priority) || kind == "background" && priority != "5" {
		return "BadPriority"
	}
	if n, err := strconv.ParseInt(c.Header("apns-expiration"), 10, 64); c.Header("apns-expiration") != "" && (err != nil || n < 0) {
		return "BadExpirationDate"
	}
	if len(c.Header("apns-collapse-id")) > maxCollapseID {
		return "BadCollapseId"
	}
	return ""
}

func isSuffixed(topic string) bool {
	for _, suffix := range suffixes() {
		if suffix != "" && strings.HasSuffix(topic, suffix) {
			return true
		}
	}
	return false
}

func badBody(c *fake.Call) string {
	kind := c.Header("apns-push-type")
	most := maxPayload
	if kind == "voip" {
		most = maxVoIPPayload
	}
	switch {
	case len(c.Body) == 0:
		return "PayloadEmpty"
	case len(c.Body) > most:
		return "PayloadTooLarge"
	}
	var body struct {
		Aps *aps `json:"aps"`
	}
	if json.Unmarshal(c.Body, &body) != nil || body.Aps == nil || !body.Aps.strict(c.Body) {
		return "BadPayload"
	}
	if !body.Aps.suits(kind) {
		return "InvalidPushType"
	}
	return ""
}

// aps is the dictionary that Apple reads ("Generating a remote notification").
type aps struct {
	Alert             json.RawMessage `json:"alert"`
	Badge             *uint32         `json:"badge"`
	Sound             json.RawMessage `json:"sound"`
	ThreadID          string          `json:"thread-id"`
	Category          string          `json:"category"`
	ContentAvailable  int             `json:"content-available"`
	MutableContent    int             `json:"mutable-content"`
	TargetContentID   string          `json:"target-content-id"`
	InterruptionLevel string          `json:"interruption-level"`
	RelevanceScore    *float64        `json:"relevance-score"`
	FilterCriteria    string          `json:"filter-criteria"`
	StaleDate         int64           `json:"stale-date"`
	ContentState      json.RawMessage `json:"content-state"`
	Timestamp         int64           `json:"timestamp"`
	Event             string          `json:"event"`
	DismissalDate     int64           `json:"dismissal-date"`
	AttributesType    string          `json:"attributes-type"`
	Attributes        json.RawMessage `json:"attributes"`
	ContentChanged    bool            `json:"content-changed"` // of widgets and controls
}

// alert is what aps.alert may be, beside a string.
type alert struct {
	Title           string   `json:"title"`
	Subtitle        string   `json:"subtitle"`
	Body            string   `json:"body"`
	LaunchImage     string   `json:"launch-image"`
	TitleLocKey     string   `json:"title-loc-key"`
	TitleLocArgs    []string `json:"title-loc-args"`
	SubtitleLocKey  string   `json:"subtitle-loc-key"`
	SubtitleLocArgs []string `json:"subtitle-loc-args"`
	LocKey          string   `json:"loc-key"`
	LocArgs         []string `json:"loc-args"`
	// Of older versions of iOS.
	Action          string `json:"action"`
	ActionLocKey    string `json:"action-loc-key"`
	SummaryArg      string `json:"summary-arg"`
	SummaryArgCount int    `json:"summary-arg-count"`
}

// strict reports whether aps, in a body that has one, holds nothing but what is documented.
// Apple ignores the rest; whoever sends it has made a mistake.
func (a *aps) strict(body []byte) bool {
	var outer struct {
		Aps json.RawMessage `json:"aps"`
	}
	if json.Unmarshal(body, &outer) != nil || !exactly(outer.Aps, &aps{}) {
		return false
	}
	if len(a.Alert) > 0 && a.Alert[0] == '{' && !exactly(a.Alert, &alert{}) || len(a.Alert) > 0 && a.Alert[0] != '{' && a.Alert[0] != '"' {
		return false
	}
	levels := []string{"", "passive", "active", "time-sensitive", "critical"}
	return a.ContentAvailable|a.MutableContent|1 == 1 && slices.Contains(levels, a.InterruptionLevel) &&
		(len(a.Sound) == 0 || a.Sound[0] == '"' || a.Sound[0] == '{')
}

func exactly(text []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into) == nil
}

// suits reports whether aps is what a push of the kind has: Apple may refuse, delay or
// drop others.
func (a *aps) suits(kind string) bool {
	visible := len(a.Alert) > 0 || len(a.Sound) > 0 || a.Badge != nil
	switch kind {
	case "alert":
		return visible
	case "background":
		return a.ContentAvailable == 1 && !visible && a.MutableContent == 0
	}
	return true
}
