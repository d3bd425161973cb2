package apns

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pushworker/pushworker/pkg/plugins/internal/fanout"
	"github.com/pushworker/pushworker/pkg/push"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew")

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

var noon = time.Date(2026, 7, 4, 12, 0, 0, 123_000_000, time.UTC)

func mustConfig(t *testing.T, keys string) *Config {
	t.Helper()
	key, _ := json.Marshal(string(testKey(t)))
	c, err := parseConfig(`{"key":` + string(key) + `,"key_id":"ABC123DEFG","team_id":"DEF123GHIJ","topic":"com.example.app"` + keys + `}`)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// marshal writes v as JSON, without the detours for HTML.
func marshal(v any) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimRight(text.Bytes(), "\n")
}

// receipt is p, as it was published at noon as the seventh of its stream.
func receipt(p push.Payload) *push.Receipt {
	r := &push.Receipt{Payload: p, To: map[push.Uid]push.Recipient{alice: {Unread: 3}}}
	if r.Payload.Timestamp.IsZero() {
		r.Payload.Timestamp = noon
	}
	r.Stamp(&push.Delivery{Stream: "PUSH", Seq: 7, Published: noon, Attempt: 1})
	return r
}

func device(kind string) push.Device {
	d := push.Device{User: alice, ID: "phone", Provider: provider, Token: strings.Repeat("ab", 32)}
	if kind != "" {
		d.Extra = &push.Extra{Kind: kind}
	}
	return d
}

// made is the message of r for a device of alice's.
func made(t *testing.T, c *Config, r *push.Receipt, kind string, to push.Recipient) *message {
	t.Helper()
	made, err := newTemplate(c, r, noon.Add(time.Second))
	if err != nil || made == nil {
		t.Fatalf("no message: %v", err)
	}
	return made.Device(device(kind), to)
}

// TestGolden: what pushes look like, headers and payload.
func TestGolden(t *testing.T) {
	t.Parallel()
	msg := push.Payload{What: push.ActMsg, Topic: "grpOne", From: bob.UserId(), SeqId: 7, Content: json.RawMessage(`"Hello <b> & \"you\" 👋"`)}
	with := func(p push.Payload, change func(*push.Payload)) push.Payload { change(&p); return p }
	call := with(msg, func(p *push.Payload) { p.Webrtc, p.Content = "started", nil })
	plain := mustConfig(t, "")
	titled := mustConfig(t, `,"ids_only":true,"apns":{"title_loc_key":"NEW","sound":"ding.caf","category":"reply","msg":{"title_loc_args":["a"]}}`)
	bare := mustConfig(t, `,"apns":{"enabled":false}`)
	worded, foreign := mustConfig(t, `,"apns":{"body":"$content","fallback":"New message"}`), with(msg, func(p *push.Payload) { p.Content = json.RawMessage(`{"foo":1}`) })
	unread := push.Recipient{Unread: 3}
	got := make(map[string]json.RawMessage)
	for name, c := range map[string]struct {
		config  *Config
		payload push.Payload
		kind    string
		to      push.Recipient
	}{
		"message":                   {plain, msg, "", unread},
		"message, unread unknown":   {plain, msg, "", push.Recipient{Unread: -1}},
		"message, had elsewhere":    {plain, msg, "", push.Recipient{Unread: 3, Delivered: 1}},
		"message, ids only":         {titled, msg, "", unread},
		"message of another app":    {worded, foreign, "", unread},
		"message, nothing drawn":    {bare, msg, "", unread},
		"call by its own token":     {plain, call, kindVoIP, unread},
		"call by alert":             {plain, call, "", unread},
		"call missed":               {plain, with(call, func(p *push.Payload) { p.Webrtc, p.Replace = "missed", ":7" }), "", unread},
		"call over":                 {plain, with(call, func(p *push.Payload) { p.Webrtc, p.Replace = "finished", ":7" }), "", unread},
		"read elsewhere":            {plain, push.Payload{What: push.ActRead, Topic: "grpOne", SeqId: 7}, "", push.Recipient{}},
		"read elsewhere, no unread": {plain, push.Payload{What: push.ActRead, Topic: "grpOne", SeqId: 7}, "", push.Recipient{Unread: -1}},
		"invitation":                {mustConfig(t, `,"apns":{"sub":{"title":"New chat"}}`), push.Payload{What: push.ActSub, Topic: "grpOne", From: bob.UserId()}, "", unread},
	} {
		text, err := text(made(t, c.config, receipt(c.payload), c.kind, c.to))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = text
	}
	const file = "testdata/golden.json"
	var indented bytes.Buffer
	if err := json.Indent(&indented, marshal(got), "", "  "); err != nil {
		t.Fatal(err)
	}
	have := append(indented.Bytes(), '\n')
	if *update {
		if err := os.WriteFile(file, have, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("pushes (-want +got); go test -update writes them anew:\n%s", diff)
	}
}

// TestSize: whatever people write, a push is JSON and has at most 4,096 bytes.
func TestSize(t *testing.T) {
	t.Parallel()
	configs := []*Config{
		mustConfig(t, ""), mustConfig(t, `,"apns":{"title":"`+strings.Repeat("t", 200)+`","loc_key":"K","loc_args":["$content","$content"],"body":"$content"}`),
	}
	// Separators, which JSON escapes, before characters that are large.
	content, _ := json.Marshal(strings.Repeat("\u2028👩‍👩‍👧", 39))
	r := receipt(push.Payload{What: push.ActMsg, Topic: "A", From: bob.UserId(), SeqId: 7, Content: json.RawMessage(content)})
	if body := made(t, configs[1], r, "", push.Recipient{Unread: 1 << 30}).Append(nil); len(body) > maxPayload {
		t.Errorf("%d bytes", len(body))
	}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"a", "\"", "\\", "\n", "\x01", "\u2028", "é", "👩‍👩‍👧", "<", strings.Repeat("x", 100)})
		content, _ := json.Marshal(strings.Repeat(strings.Join(rapid.SliceOfN(part, 1, 20).Draw(t, "parts"), ""), rapid.IntRange(1, 2000).Draw(t, "times")))
		p := push.Payload{
			What: push.ActMsg, Topic: rapid.StringN(1, 300, 600).Draw(t, "topic"), From: bob.UserId(), SeqId: 7, Content: json.RawMessage(content),
			ContentType: rapid.StringN(0, 300, 600).Draw(t, "mime"),
		}
		tmpl, err := newTemplate(rapid.SampledFrom(configs).Draw(t, "config"), receipt(p), noon)
		if err != nil {
			t.Fatal(err)
		}
		body := tmpl.Device(device(""), push.Recipient{Unread: 1 << 30}).Append(nil)
		if len(body) > maxPayload || !json.Valid(body) {
			t.Fatalf("%d bytes, valid: %t: %.200s", len(body), json.Valid(body), body)
		}
	})
}

// TestMessageID: the id of a push is the same in every attempt, and another for each device.
func TestMessageID(t *testing.T) {
	t.Parallel()
	c := mustConfig(t, "")
	r := receipt(push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 7, Webrtc: "started"})
	seen := map[string]bool{}
	for _, kind := range []string{"", kindVoIP} {
		first := made(t, c, r, kind, push.Recipient{}).id
		r.Stamp(&push.Delivery{Stream: "PUSH", Seq: 7, Published: noon, Attempt: 2})
		if again := made(t, c, r, kind, push.Recipient{}).id; again != first || seen[first] {
			t.Errorf("ids %s and %s of one device, others are %v", first, again, seen)
		}
		seen[first] = true
	}
}

// TestRing: a call is worth sending for ring_time, and Apple keeps it no longer.
func TestRing(t *testing.T) {
	t.Parallel()
	c := mustConfig(t, `,"ring_time":"20s"`)
	r := receipt(push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 7, Webrtc: "started"})
	if d := c.Lifetime(r); d != 20*time.Second {
		t.Errorf("a call is worth sending for %s", d)
	}
	if got := made(t, c, r, kindVoIP, push.Recipient{}).expiration; got != "1783166420" { // noon and 20 s
		t.Errorf("expires at %s", got)
	}
	free := mustConfig(t, `,"ring_time":"20s","improvements":{"remaining_ttl":false}`)
	if got := made(t, free, r, kindVoIP, push.Recipient{}).expiration; got != "1783166421" { // 20 s after it is made
		t.Errorf("without remaining_ttl it expires at %s", got)
	}
	if _, err := newTemplate(c, r, noon.Add(21*time.Second)); err == nil {
		t.Error("a call that is over is sent")
	}
	if d := mustConfig(t, "").Lifetime(r); d != 45*time.Second {
		t.Errorf("by default it is worth sending for %s", d)
	}
}

// TestSkipsNobodyElse: an other phone's token for calls, or one of another app, does not
// keep a call from a token for alerts; nor does the caller's own token ring.
func TestSkipsNobodyElse(t *testing.T) {
	t.Parallel()
	c := mustConfig(t, "")
	r := receipt(push.Payload{What: push.ActMsg, Topic: "grpOne", From: bob.UserId(), SeqId: 7, Webrtc: "started"})
	made, err := newTemplate(c, r, noon)
	if err != nil {
		t.Fatal(err)
	}
	var chooser fanout.Chooser = made
	voip := device(kindVoIP)
	for name, change := range map[string]func(*push.Device){
		"other phone":    func(d *push.Device) { d.ID = "pad" },
		"other app":      func(d *push.Device) { d.Extra = &push.Extra{Kind: kindVoIP, App: "com.example.other"} },
		"other env":      func(d *push.Device) { d.Extra = &push.Extra{Kind: kindVoIP, Env: sandbox} },
		"other provider": func(d *push.Device) { d.Provider = "fcm" },
	} {
		other := voip
		change(&other)
		if why := chooser.Skip(device(""), push.Recipient{}, []push.Device{device(""), other}); why != "" {
			t.Errorf("%s: skipped: %s", name, why)
		}
	}
	if why := chooser.Skip(device(""), push.Recipient{}, []push.Device{device(""), voip}); why == "" {
		t.Error("the call rings twice on one phone")
	}
	voip.User = bob
	if why := chooser.Skip(voip, push.Recipient{}, []push.Device{voip}); why == "" {
		t.Error("the caller's phone rings")
	}
}
