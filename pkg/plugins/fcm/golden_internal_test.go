package fcm

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

var update = flag.Bool("update", false, "write testdata/defaults.json anew")

// original is the configuration that turns every improvement off.
const original = `"improvements":{"clear_badge":false,"collapse_per_message":false,"android_collapse_key":false,` +
	`"remaining_ttl":false,"shrink":false,"tolerate_content":false,"quiet":false,"whole_characters":false,"all_keys":false}`

const someAccount = `{"type":"service_account","project_id":"p","client_email":"a@b.example","private_key":"secret"}`

// configWith decodes the keys, JSON members separated by commas, beside credentials.
func configWith(tb testing.TB, keys ...string) *Config {
	tb.Helper()
	c, err := parseConfig(`{` + strings.Join(append(keys, `"credentials":`+someAccount), ",") + `}`)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// members are what is inside a JSON object.
func members(object json.RawMessage) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(object)), "{"), "}")
}

// device is [token, platform].
type device [2]string

// render makes all messages of a receipt as a handler would, in no order.
func render(tb testing.TB, c *Config, r *push.Receipt, devices map[push.Uid][]device, now time.Time) []any {
	tb.Helper()
	tmpl, err := newTemplate(c, r, now)
	if err != nil || tmpl == nil {
		return []any{}
	}
	done := make(map[string]bool)
	for _, to := range r.To {
		for _, id := range to.Devices {
			done[id] = true
		}
	}
	messages := []any{}
	for user, to := range r.To {
		for _, d := range devices[user] {
			if !done[d[0]] {
				messages = append(messages, normal(tb, textTo(tmpl, user, to, platformOf(d[1]), d[0]), now))
			}
		}
	}
	m, ok, err := tmpl.Channel()
	if err != nil {
		tb.Fatal(err)
	}
	if ok {
		messages = append(messages, normal(tb, m.appendTo(nil), now))
	}
	return messages
}

// textTo is what a device gets, in JSON.
func textTo(t *template, user push.Uid, to push.Recipient, p platform, token string) []byte {
	m := t.Device(push.Device{User: user, Platform: p.String(), Token: token}, to)
	return m.appendTo(nil)
}

// normal reads a message and takes away in what the SDK's JSON and that of
// Google's other client may differ without a difference for FCM: camelCase and
// snake_case, and upper or lower case of a priority. Times become relative.
func normal(tb testing.TB, text []byte, now time.Time) any {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		tb.Fatal(err)
	}
	if android, ok := m["android"].(map[string]any); ok {
		m["android"] = snake(android)
		if p, ok := android["priority"].(string); ok {
			m["android"].(map[string]any)["priority"] = strings.ToLower(p)
		}
	}
	if apns, ok := m["apns"].(map[string]any); ok {
		headers := apns["headers"].(map[string]any)
		if at, err := strconv.ParseInt(headers["apns-expiration"].(string), 10, 64); err == nil {
			headers["apns-expiration"] = "NOW+" + strconv.FormatInt(at-now.Unix(), 10)
		}
	}
	return m
}

func snake(object map[string]any) map[string]any {
	out := make(map[string]any)
	for key, value := range object {
		var name []byte
		for _, c := range []byte(key) {
			if 'A' <= c && c <= 'Z' {
				name = append(name, '_')
				c += 'a' - 'A'
			}
			name = append(name, c)
		}
		if inner, ok := value.(map[string]any); ok {
			value = snake(inner)
		}
		out[string(name)] = value
	}
	return out
}

// sorted puts messages in the order of their targets.
func sorted(messages []any) []any {
	target := func(m any) string {
		object := m.(map[string]any)
		token, _ := object["token"].(string)
		topic, _ := object["topic"].(string)
		return token + "/" + topic
	}
	slices.SortFunc(messages, func(a, b any) int { return strings.Compare(target(a), target(b)) })
	return messages
}

// expectation is one case of a golden file.
type expectation struct {
	Name     string            `json:"name,omitempty"`
	Config   string            `json:"config"`
	Receipt  string            `json:"receipt"`
	Messages []json.RawMessage `json:"messages"`
}

// suite is a golden file.
type suite struct {
	Devices  map[string][]device        `json:"devices"`
	Configs  map[string]json.RawMessage `json:"configs"`
	Receipts map[string]json.RawMessage `json:"receipts"`
	Cases    []expectation              `json:"cases"`
}

func readSuite(tb testing.TB, name string) *suite {
	tb.Helper()
	var s suite
	readJSON(tb, filepath.Join("testdata", name), &s)
	if len(s.Cases) == 0 {
		tb.Fatal("no cases")
	}
	return &s
}

func readJSON(tb testing.TB, path string, into any) {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
}

func decodeReceipt(tb testing.TB, text []byte) *push.Receipt {
	tb.Helper()
	r, bad, err := push.Decode(text, push.Limits{})
	if err != nil || len(bad) > 0 {
		tb.Fatal(err, bad)
	}
	return r
}

func (s *suite) users(tb testing.TB) map[push.Uid][]device {
	tb.Helper()
	users := make(map[push.Uid][]device)
	for name, list := range s.Devices {
		_, number, isNumber := strings.Cut(name, "=")
		var user push.Uid
		if n, err := strconv.ParseUint(number, 0, 64); isNumber && err == nil {
			user = push.Uid(n)
		} else if user, err = push.ParseUid(name); err != nil {
			tb.Fatal(err)
		}
		users[user] = list
	}
	return users
}

func (s *suite) expected(tb testing.TB, e expectation, ttl time.Duration) []any {
	tb.Helper()
	full := strconv.Itoa(int(ttl / time.Second))
	messages := []any{}
	for _, text := range e.Messages {
		text = bytes.ReplaceAll(text, []byte(`"NOW+TTL"`), []byte(`"NOW+`+full+`"`))
		messages = append(messages, normal(tb, text, time.Time{}))
	}
	return messages
}

// TestOriginalSamples runs the samples that the project was given.
func TestOriginalSamples(t *testing.T) {
	t.Parallel()
	s := readSuite(t, "v0253-fcm-expected.json")
	now := time.Date(2026, 7, 4, 15, 0, 0, 0, time.UTC)
	for _, e := range s.Cases {
		t.Run(e.Config+"/"+e.Receipt, func(t *testing.T) {
			t.Parallel()
			name, edit, edited := strings.Cut(e.Receipt, " ")
			text, err := os.ReadFile("../../push/testdata/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			r := decodeReceipt(t, text)
			if edited {
				if edit != "(carol.devices=[tok-carol-skip])" {
					t.Fatalf("unknown edit %q of a receipt", edit)
				}
				const carol = push.Uid(0x7a6b5c4d3e2f1001)
				to := r.To[carol]
				to.Devices = []string{"tok-carol-skip"}
				r.To[carol] = to
			}
			c := configWith(t, members(s.Configs[e.Config]), original)
			got, want := sorted(render(t, c, r, s.users(t), now)), sorted(s.expected(t, e, c.TimeToLive))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("messages differ from Tinode's (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOriginalCases runs receipts of every kind, with the messages that the chat
// server's own plug-in, v0.25.3, makes of them.
func TestOriginalCases(t *testing.T) {
	t.Parallel()
	s := readSuite(t, "original.json")
	now := time.Date(2026, 7, 4, 15, 0, 0, 0, time.UTC)
	for _, e := range s.Cases {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			c := configWith(t, members(s.Configs[e.Config]), original)
			r := decodeReceipt(t, s.Receipts[e.Receipt])
			got, want := sorted(render(t, c, r, s.users(t), now)), sorted(s.expected(t, e, c.TimeToLive))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("messages differ from Tinode's (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDefaultCases runs the same receipts with our defaults. The file is written
// by -update and read by people.
func TestDefaultCases(t *testing.T) {
	t.Parallel()
	s := readSuite(t, "original.json")
	got := make(map[string][]any)
	for _, e := range s.Cases {
		if e.Config == "full" || e.Config == "nobundle" {
			r := decodeReceipt(t, s.Receipts[e.Receipt])
			c := configWith(t, members(s.Configs[e.Config]))
			got[e.Name] = sorted(render(t, c, r, s.users(t), soonAfter(r)))
		}
	}
	path := filepath.Join("testdata", "defaults.json")
	if *update {
		writeGolden(t, path, got)
	}
	want := make(map[string][]any)
	readJSON(t, path, &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages differ from %s (-want +got):\n%s", path, diff)
	}
}

// soonAfter is a minute after r, or a second after a call.
func soonAfter(r *push.Receipt) time.Time {
	if r.Payload.Webrtc != "" {
		return r.Payload.Timestamp.Add(time.Second)
	}
	return r.Payload.Timestamp.Add(time.Minute)
}

// TestDefaultsDifferWhereSaid takes out of our messages what docs/fcm-messages.md
// says is different, and compares the rest with Tinode's. What quiet and
// all_keys make different, TestQuiet and TestAllKeys say.
func TestDefaultsDifferWhereSaid(t *testing.T) {
	t.Parallel()
	s := readSuite(t, "original.json")
	for _, e := range s.Cases {
		if strings.HasPrefix(e.Receipt, "bad-") { // Tinode drops them
			continue
		}
		r := decodeReceipt(t, s.Receipts[e.Receipt])
		ours := render(t, configWith(t, members(s.Configs[e.Config]), `"improvements":{"quiet":false,"all_keys":false}`), r, s.users(t), soonAfter(r))
		theirs := s.expected(t, e, time.Hour)
		for _, m := range append(slices.Clone(ours), theirs...) {
			takeOutDifferences(m.(map[string]any))
		}
		if diff := cmp.Diff(sorted(theirs), sorted(ours)); diff != "" {
			t.Errorf("%s: an undocumented difference (-original +ours):\n%s", e.Name, diff)
		}
	}
}

func takeOutDifferences(m map[string]any) {
	if android, ok := m["android"].(map[string]any); ok {
		delete(android, "ttl")
	}
	if web, ok := m["webpush"].(map[string]any); ok {
		delete(web, "headers")
	}
	if apns, ok := m["apns"].(map[string]any); ok {
		headers := apns["headers"].(map[string]any)
		delete(headers, "apns-collapse-id")
		delete(headers, "apns-expiration")
		aps := apns["payload"].(map[string]any)["aps"].(map[string]any)
		if aps["badge"] == 0.0 {
			delete(aps, "badge")
		}
	}
}

// writeGolden writes a message a line, so that diffs can be read.
func writeGolden(t *testing.T, path string, cases map[string][]any) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("{")
	for i, name := range slices.Sorted(maps.Keys(cases)) {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n" + strconv.Quote(name) + ": [")
		for j, m := range cases[name] {
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if j > 0 {
				b.WriteString(",")
			}
			b.WriteString("\n  ")
			b.Write(text)
		}
		b.WriteString("]")
	}
	b.WriteString("\n}\n")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
