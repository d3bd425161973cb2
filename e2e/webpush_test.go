package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// Two key pairs; they are of no service.
const (
	otherPrivate = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	otherPublic  = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	vapidPrivate = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	vapidPublic  = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)

// subscription is one as browsers give it.
type subscription struct {
	Endpoint string            `json:"endpoint"`
	Keys     map[string]string `json:"keys"`
}

// TestForeignClientOfWebPush proves the fake push server: what a client that others have
// written sends is taken and decrypted, and refused when it is for a subscription with
// another VAPID key, or with other keys.
func TestForeignClientOfWebPush(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), address.For(t)
	fake := start(t, process.Spec{Name: "push", Dir: dir, Args: []string{
		binary, "fake", "webpush", "--tls", addr, "--ca", "ca.pem", "--key", vapidPublic, "--reveal",
	}})
	await(t, patience, "the fake listens", func() bool { return strings.Contains(fake.log(), "fake push server at") })
	_, rest, _ := strings.Cut(fake.log(), "--token '")
	given, _, _ := strings.Cut(rest, "'")
	var s subscription
	if err := json.Unmarshal([]byte(given), &s); err != nil {
		t.Fatalf("%v: %s", err, given)
	}
	type pushed struct {
		Subscription subscription `json:"subscription"`
		Public       string       `json:"publicKey"`
		Private      string       `json:"privateKey"`
	}
	strange := subscription{Endpoint: s.Endpoint, Keys: map[string]string{"p256dh": otherPublic, "auth": s.Keys["auth"]}}
	list, err := json.Marshal([]pushed{{s, vapidPublic, vapidPrivate}, {s, otherPublic, otherPrivate}, {strange, vapidPublic, vapidPrivate}})
	if err != nil {
		t.Fatal(err)
	}
	text := foreign(t, "webpush-send.mjs", "PUSHES="+string(list), "NODE_EXTRA_CA_CERTS="+filepath.Join(dir, "ca.pem"))
	if diff := cmp.Diff("[201,403,400]\n", text); diff != "" {
		t.Errorf("web-push was told (-want +got):\n%s", diff)
	}
	if out := output(t, fake); !strings.Contains(out, `"body":{"title":"by web-push"`) {
		t.Errorf("the fake has decrypted %s", out)
	}
}

// TestForeignReceiverOfWebPush proves the handler: a library that others have written
// decrypts what a real worker pushes, and not when a byte of it is changed.
func TestForeignReceiverOfWebPush(t *testing.T) {
	t.Parallel()
	node := foreignNode(t)
	script, err := filepath.Abs("foreign/webpush-receive.mjs")
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), address.For(t)
	receiver := start(t, process.Spec{Name: "receiver", Dir: dir, Args: []string{node, script}, Env: []string{"PATH=" + os.Getenv("PATH")}})
	await(t, patience, "the receiver gives its subscription", func() bool { return strings.Contains(output(t, receiver), "\n") })
	token, _, _ := strings.Cut(output(t, receiver), "\n")
	var s subscription
	if err := json.Unmarshal([]byte(token), &s); err != nil {
		t.Fatalf("%v: %s", err, token)
	}
	endpoint, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PUSHWORKER_LOG_LEVEL=debug", "PUSHWORKER_NATS_URL=nats://" + addr, `PUSHWORKER_HANDLERS=[{"name":"webpush","config":{"origins":["http://` + endpoint.Host +
		`"],"allow_private":["127.0.0.0/8"],"vapid":[{"id":"1","key":"` + vapidPrivate + `"}],"subject":"mailto:push@example.com","url":"https://chat.example.com/"}}]`}
	startBroker(t, dir, addr)
	worker := startWorker(t, dir, env...)
	worker.ready(patience)
	receipt := filepath.Join(dir, "receipt.json")
	if err := os.WriteFile(receipt, []byte(`{"to":{"usr782riWdFIwE":{"unread":2}},"payload":{"what":"msg","topic":"grpE2E","seq":1,"content":"hello"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"device", "put", "--user", "usr782riWdFIwE", "--id", "browser", "--provider", "webpush", "--platform", "web", "--token", token},
		{"publish", receipt},
	} {
		if code, _, said := command(t, env, args...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, said)
		}
	}
	await(t, patience, "the push arrives", func() bool { return strings.Count(output(t, receiver), "\n") > 1 })
	var got struct {
		Headers map[string]string
		Bytes   int
		Text    string
		Changed *string
	}
	lines := strings.Split(output(t, receiver), "\n")
	if err := json.Unmarshal([]byte(lines[1]), &got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.Text, `"web_push":8030`) || !strings.Contains(got.Text, `"body":"hello"`) || got.Changed != nil || got.Bytes > 2560 {
		t.Errorf("the receiver reads %+v", got)
	}
	for _, secret := range []string{endpoint.Path, s.Keys["auth"], s.Keys["p256dh"], vapidPrivate, "hello"} {
		if strings.Contains(worker.log(), secret) || strings.Contains(output(t, worker), secret) {
			t.Errorf("the worker's log shows %q", secret)
		}
	}
	if h := got.Headers; h["content-encoding"] != "aes128gcm" || h["urgency"] != "normal" || len(h["topic"]) != 24 || h["ttl"] == "0" || !strings.HasPrefix(h["authorization"], "vapid t=") {
		t.Errorf("the headers are %v", h)
	}
}

// TestWebPushOverHTTP2: pushes to a server that the config names share few connections,
// whose certificate and address are looked at.
func TestWebPushOverHTTP2(t *testing.T) {
	t.Parallel()
	const many = 300
	dir, addr, push := t.TempDir(), address.For(t), address.For(t)
	fake := start(t, process.Spec{Name: "push", Dir: dir, Args: []string{binary, "fake", "webpush", "--tls", push, "--ca", "ca.pem", "--key", vapidPublic}})
	await(t, patience, "the fake listens", func() bool { return strings.Contains(fake.log(), "fake push server at") })
	_, rest, _ := strings.Cut(fake.log(), "--token '")
	token, _, _ := strings.Cut(rest, "'")
	handler := `PUSHWORKER_HANDLERS=[{"name":"webpush","config":{"origins":["https://` + push + `"],"allow_private":["127.0.0.0/8"],"vapid":[{"id":"1","key":"` +
		vapidPrivate + `"}],"subject":"mailto:push@example.com","url":"https://chat.example.com/"}}]`
	env := []string{"PUSHWORKER_NATS_URL=nats://" + addr, "SSL_CERT_FILE=" + filepath.Join(dir, "ca.pem"), handler}
	startBroker(t, dir, addr)
	startWorker(t, dir, env...).ready(patience)
	receipts := filepath.Join(dir, "receipts.jsonl")
	var text strings.Builder
	for seq := range many {
		fmt.Fprintf(&text, `{"to":{"usr782riWdFIwE":{"unread":1}},"payload":{"what":"msg","topic":"grpE2E","seq":%d,"content":"hello"}}`+"\n", seq+1)
	}
	if err := os.WriteFile(receipts, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"device", "put", "--user", "usr782riWdFIwE", "--id", "browser", "--provider", "webpush", "--platform", "web", "--token", token},
		{"publish", receipts},
	} {
		if code, _, said := command(t, env, args...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, said)
		}
	}
	accepted := func() int { return strings.Count(output(t, fake), `"status":201`) }
	await(t, patience, "all pushes arrive", func() bool { return accepted() >= many })
	conns := make(map[int]bool)
	for line := range strings.Lines(output(t, fake)) {
		var push struct{ Conn, Stream int }
		if err := json.Unmarshal([]byte(line), &push); err != nil {
			t.Fatal(err)
		}
		conns[push.Conn] = true
		if push.Stream == 0 {
			t.Errorf("a push came over HTTP/1.1: %s", line)
		}
	}
	if accepted() != many || len(conns) > (many+89)/90 {
		t.Errorf("%d pushes over %d connections, want %d over at most %d", accepted(), len(conns), many, (many+89)/90)
	}
}
