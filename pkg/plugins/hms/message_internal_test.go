package hms

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew")

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

var noon = time.Date(2026, 7, 4, 12, 0, 0, 123_000_000, time.UTC)

const testApp = `{"app_id":"104458001","app_secret":"secret"}`

var keyText = sync.OnceValues(func() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
})

func testAccount(t *testing.T) string {
	t.Helper()
	key, err := keyText()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]string{"project_id": "p", "key_id": "k", "sub_account": "s", "private_key": key})
	return string(text)
}

func mustConfig(t *testing.T, credentials, keys string) *Config {
	t.Helper()
	c, err := parseConfig(`{"credentials":` + credentials + keys + `}`)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func receipt(p push.Payload) *push.Receipt {
	r := &push.Receipt{Payload: p, To: map[push.Uid]push.Recipient{alice: {Unread: 3}}}
	if r.Payload.Timestamp.IsZero() {
		r.Payload.Timestamp = noon
	}
	return r
}

func made(t *testing.T, c *Config, r *push.Receipt, to push.Recipient) message {
	t.Helper()
	made, err := newTemplate(c, r, noon.Add(time.Second))
	if err != nil || made == nil {
		t.Fatalf("no message: %v", err)
	}
	return made.Device(push.Device{User: alice, ID: "phone", Provider: provider, Token: "t"}, to)
}

// TestGolden: what messages look like in both APIs.
func TestGolden(t *testing.T) {
	t.Parallel()
	msg := push.Payload{What: push.ActMsg, Topic: "grpOne", From: bob.UserId(), SeqId: 7, Content: json.RawMessage(`"Hello <b> & \"you\" 👋"`)}
	with := func(p push.Payload, change func(*push.Payload)) push.Payload { change(&p); return p }
	call := with(msg, func(p *push.Payload) { p.Webrtc, p.Content = "started", nil })
	const titled = `,"ids_only":true,"category":"MARKETING","test_messages":true,"call_alerts":true,"android":{"title":"News","click_action":"open","sound":"ding.mp3"}`
	const worded = `,"android":{"body":"$content","fallback":"New message"}`
	foreign := with(msg, func(p *push.Payload) { p.Content = json.RawMessage(`{"foo":1}`) })
	unread := push.Recipient{Unread: 3}
	got := make(map[string]json.RawMessage)
	for api, credentials := range map[string]string{"v3": testAccount(t), "v1": testApp} {
		plain := mustConfig(t, credentials, `,"badge_class":"com.example.Main"`)
		for name, c := range map[string]struct {
			config  *Config
			payload push.Payload
			to      push.Recipient
		}{
			"message":                 {plain, msg, unread},
			"message, unread unknown": {plain, msg, push.Recipient{Unread: -1}},
			"message, 1000 unread":    {plain, msg, push.Recipient{Unread: 1000}},
			"message, had elsewhere":  {plain, msg, push.Recipient{Unread: 3, Delivered: 1}},
			"message, ids only":       {mustConfig(t, credentials, titled), msg, unread},
			"message of another app":  {mustConfig(t, credentials, worded), foreign, unread},
			"message, nothing drawn":  {mustConfig(t, credentials, `,"android":{"enabled":false}`), msg, unread},
			"call":                    {plain, call, unread},
			"call by alert":           {mustConfig(t, credentials, titled), call, unread},
			"call of one's own":       {plain, with(call, func(p *push.Payload) { p.From = alice.UserId() }), unread},
			"call missed":             {plain, with(call, func(p *push.Payload) { p.Webrtc, p.Replace = "missed", ":7" }), unread},
			"read elsewhere":          {plain, push.Payload{What: push.ActRead, Topic: "grpOne", SeqId: 7}, push.Recipient{}},
			"invitation":              {plain, push.Payload{What: push.ActSub, Topic: "grpOne", From: bob.UserId()}, unread},
		} {
			text, err := text(made(t, c.config, receipt(c.payload), c.to))
			if err != nil {
				t.Fatal(err)
			}
			got[api+" "+name] = text
		}
	}
	const file = "testdata/golden.json"
	compact, _ := json.Marshal(got)
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
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
		t.Errorf("messages (-want +got); go test -update writes them anew:\n%s", diff)
	}
}

// TestSize: whatever people write, a body is JSON and has at most 4,096 bytes without the
// tokens, in a string with JSON too; and it does not lose more than it must.
func TestSize(t *testing.T) {
	t.Parallel()
	cut := make(map[bool]int)
	for api, credentials := range map[string]string{"v3": testAccount(t), "v1": testApp} {
		configs := []*Config{
			mustConfig(t, credentials, ""), mustConfig(t, credentials, `,"android":{"enabled":false}`),
			mustConfig(t, credentials, `,"android":{"title":"`+strings.Repeat("t", 400)+`"}`),
		}
		for _, sign := range []string{"a", `"`, "<\n", "\u2028👩‍👩‍👧", `\`, `"` + strings.Repeat("\u0301", 20), "<" + strings.Repeat("\u0301", 40)} {
			content, _ := json.Marshal(strings.Repeat(sign, 39))
			for i, c := range configs {
				r := receipt(push.Payload{What: push.ActMsg, Topic: "grpOne", From: bob.UserId(), SeqId: 7, Content: json.RawMessage(content)})
				m := made(t, c, r, push.Recipient{Unread: 3})
				body := (&request{message: m}).Append(nil)
				loose := *c
				loose.Improvements.Shrink = false
				unbound := (&request{message: made(t, &loose, r, push.Recipient{Unread: 3})}).Append(nil)
				isCut := len(unbound) > maxBody
				cut[isCut]++
				if !json.Valid(body) || len(body) > maxBody || isCut && len(body) < maxBody/3 {
					t.Errorf("%s: config %d, %q: %d bytes of %d, JSON %t", api, i, sign, len(body), len(unbound), json.Valid(body))
				}
			}
		}
	}
	if cut[true] < 4 || cut[false] < 4 {
		t.Errorf("too few messages are cut, or not: %v", cut)
	}
}

// TestEqualMessages: who sees the same shares a request, whatever the badge of what shows
// none.
func TestEqualMessages(t *testing.T) {
	t.Parallel()
	c := mustConfig(t, testAccount(t), "")
	of := func(p push.Payload, unread int, tmpl **template) message {
		if *tmpl == nil {
			var err error
			if *tmpl, err = newTemplate(c, receipt(p), noon); err != nil {
				t.Fatal(err)
			}
		}
		return (*tmpl).Device(push.Device{User: bob, Token: "t"}, push.Recipient{Unread: unread})
	}
	var loud, quiet *template
	msg := push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 7, Content: json.RawMessage(`"hi"`)}
	read := push.Payload{What: push.ActRead, Topic: "grpOne", SeqId: 7}
	if first := of(msg, 1, &loud); first != of(msg, 1, &loud) || first == of(msg, 2, &loud) {
		t.Error("messages are equal if their badges are, and not else")
	}
	if of(read, 1, &quiet) != of(read, 2, &quiet) {
		t.Error("messages without a badge differ by it")
	}
}

// TestFaults: all that is wrong with a config is told, and nothing of a secret.
func TestFaults(t *testing.T) {
	t.Parallel()
	_, err := parseConfig(`{"credentials":{"app_id":"1","app_secrets":"hush"},"endpoint":"x","token_endpoint":"ftp://x","category":"im","max_in_flight":-1,"ids_only":true}`)
	for _, key := range []string{"credentials", "endpoint", "token_endpoint", "category", "max_in_flight", "android.title"} {
		if err == nil || !strings.Contains(err.Error(), `key "`+key+`"`) || strings.Contains(err.Error(), "hush") {
			t.Fatalf("%s: %v", key, err)
		}
	}
	for _, text := range []string{`{}`, `{"credentials_file":"{\"app_id\":1}"}`, `{"credentials_file":"/nowhere.json"}`, `{"credentials":"text"}`, `{"credentials":5}`} {
		if _, err := parseConfig(text); err == nil || !strings.Contains(err.Error(), `key "credentials`) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
