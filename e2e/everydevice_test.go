package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// everyDevice is a user with a device of each kind, and the providers that reach them.
type everyDevice struct {
	*testing.T
	dir, addr string
	env       []string
	fakes     map[string]*program // by the device, of which the iPhone is two
}

// roomOfALane is how many receipts a lane of these workers holds at most: its handler's
// buffer, and one suspect.
const roomOfALane = 32 + 1

// newEveryDevice starts a broker and the fakes, and registers the devices.
func newEveryDevice(t *testing.T) *everyDevice {
	t.Helper()
	w := &everyDevice{T: t, dir: t.TempDir(), addr: address.For(t), fakes: make(map[string]*program)}
	startBroker(t, w.dir, w.addr)
	google, apple := address.For(t), address.For(t)
	w.fake("android", "fcm", "--http", google, "--credentials", "google.json")
	w.fake("iphone", "apns", "--tls", apple, "--key", "apple.p8", "--ca", "ca.pem", "--latency", "50ms") // so that some are in flight at any time
	handlers := []string{
		fmt.Sprintf(`{"name":"fcm","config":{"buffer":32,"android":{"enabled":true},"credentials_file":%q,"endpoint":"http://%s/v1"}}`, filepath.Join(w.dir, "google.json"), google),
		fmt.Sprintf(`{"name":"apns","config":{"buffer":32,"key_file":%q,"key_id":"FAKEKEY001","team_id":"FAKETEAM01","topic":"com.example.app","ring_time":"10m","endpoint":"https://%s"}}`,
			filepath.Join(w.dir, "apple.p8"), apple),
	}
	devices := []string{
		`{"user":"usr782riWdFIwE","id":"android","provider":"fcm","platform":"android","token":"android-token"}`,
		`{"user":"usr782riWdFIwE","id":"iphone","provider":"apns","platform":"ios","token":"` + strings.Repeat("a1", 32) + `"}`,
		`{"user":"usr782riWdFIwE","id":"iphone","provider":"apns","platform":"ios","kind":"voip","token":"` + strings.Repeat("c1", 32) + `"}`,
	}
	var origins []string
	for _, browser := range []string{"firefox", "safari", "ntfy"} {
		at := address.For(t)
		w.fake(browser, "webpush", "--http", at, "--key", vapidPublic)
		origins = append(origins, `"http://`+at+`"`)
		_, rest, _ := strings.Cut(w.fakes[browser].log(), "--token '")
		token, _, _ := strings.Cut(rest, "'")
		devices = append(devices, fmt.Sprintf(`{"user":"usr782riWdFIwE","id":%q,"provider":"webpush","platform":"web","token":%q}`, browser, token))
	}
	handlers = append(handlers, `{"name":"webpush","config":{"buffer":32,"origins":[`+strings.Join(origins, ",")+`],"allow_private":["127.0.0.0/8"],"vapid":[{"id":"1","key":"`+
		vapidPrivate+`"}],"subject":"mailto:push@example.com","url":"https://chat.example.com/#{topic}"}}`)
	w.env = []string{
		"PUSHWORKER_NATS_URL=nats://" + w.addr, "SSL_CERT_FILE=" + filepath.Join(w.dir, "ca.pem"), "PUSHWORKER_ACK_WAIT=3s", "PUSHWORKER_EVENTS=all",
		"PUSHWORKER_HANDLERS=[" + strings.Join(handlers, ",") + "]",
	}
	file := filepath.Join(w.dir, "devices.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(devices, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := command(t, w.env, "device", "import", file); code != 0 {
		t.Fatal(said)
	}
	return w
}

// fake starts the stand-in that reaches a device.
func (w *everyDevice) fake(device, kind string, args ...string) {
	w.Helper()
	p := start(w.T, process.Spec{Name: device, Dir: w.dir, Args: append([]string{binary, "fake", kind, "--reveal"}, args...)})
	await(w.T, patience, device+" listens", func() bool { return strings.Contains(p.log(), "for the worker") })
	w.fakes[device] = p
}

func (w *everyDevice) worker() *program {
	w.Helper()
	p := startWorker(w.T, w.dir, w.env...)
	p.ready(patience)
	return p
}

// arrival is a push that a device's provider has accepted.
type arrival struct {
	seq      int
	collapse string
	line     string
}

var (
	seqIn      = regexp.MustCompile(`"seq":"(\d+)"`)
	collapseIn = regexp.MustCompile(`"(?:tag|apns-collapse-id)":"([^"]+)"`)
)

// arrivals are the pushes to a device, in their order.
func (w *everyDevice) arrivals(device string) (all []arrival) {
	w.Helper()
	for text := range strings.Lines(output(w.T, w.fakes[device])) {
		var l struct {
			Accepted bool
			Header   map[string]string
		}
		if json.Unmarshal([]byte(text), &l) != nil || !l.Accepted {
			continue
		}
		a := arrival{line: text, collapse: l.Header["topic"]}
		if m := collapseIn.FindStringSubmatch(text); m != nil {
			a.collapse = m[1]
		}
		if m := seqIn.FindStringSubmatch(text); m != nil {
			a.seq, _ = strconv.Atoi(m[1])
		}
		all = append(all, a)
	}
	return all
}

// explained is what explain says of a receipt's targets, as device: result.
func (w *everyDevice) explained(seq string) []string {
	w.Helper()
	code, out, said := command(w.T, w.env, "explain", seq, "-o", "jsonl")
	if code != 0 {
		w.Fatal(said)
	}
	var story struct {
		Lanes []struct {
			Steps []struct {
				Targets []struct{ ID, Kind, Result string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &story); err != nil {
		w.Fatalf("%v: %s", err, out)
	}
	var all []string
	for _, l := range story.Lanes {
		for _, s := range l.Steps {
			for _, target := range s.Targets {
				all = append(all, strings.TrimSpace(target.ID+" "+target.Kind)+": "+target.Result)
			}
		}
	}
	slices.Sort(all)
	return all
}

// TestEveryDevice: one receipt reaches each device of a user as its vendor wants it, and a
// call rings the iPhone by its token for calls; explain shows each.
func TestEveryDevice(t *testing.T) {
	t.Parallel()
	w := newEveryDevice(t)
	w.worker()
	pub, err := connect(t, w.addr).Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := &push.Receipt{To: map[push.Uid]push.Recipient{push.ParseUserId("usr782riWdFIwE"): {Unread: 3}}, Payload: push.Payload{
		What: push.ActMsg, Topic: "grpE2E", SeqId: 1, From: "usrEDJUdpi63P4", Content: "hello",
	}}
	publish := func() {
		t.Helper()
		if _, err := pub.Publish(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	want := map[string][]string{ // of the line of each push
		"android": {`"token":"android-token"`, `"priority":"high"`, `"tag":`},
		"iphone":  {strings.Repeat("a1", 32), `"apns-push-type":"alert"`, `"project":"com.example.app"`, `"badge":3`, `"body":"hello"`},
		"firefox": {`"web_push":8030`, `"urgency":"normal"`, `"ttl":`, `"app_badge":3`, `"navigate":"https://chat.example.com/#grpE2E"`, `"body":"hello"`},
	}
	want["safari"], want["ntfy"] = want["firefox"], want["firefox"]
	for device, texts := range want {
		await(t, patience, "a push at "+device, func() bool { return len(w.arrivals(device)) == 1 })
		for _, text := range texts {
			if line := w.arrivals(device)[0].line; !strings.Contains(line, text) {
				t.Errorf("%s got no %s: %s", device, text, line)
			}
		}
	}
	all := []string{"android: accepted", "firefox: accepted", "iphone: accepted", "ntfy: accepted", "safari: accepted"}
	await(t, patience, "explain shows each", func() bool { return len(w.explained("1")) >= len(all) })
	if diff := cmp.Diff(all, w.explained("1")); diff != "" {
		t.Errorf("explain (-want +got):\n%s", diff)
	}
	r.Payload.SeqId, r.Payload.Webrtc, r.Payload.Content = 2, "started", "call"
	publish()
	await(t, patience, "the iPhone rings", func() bool { return len(w.arrivals("iphone")) == 2 })
	if ring := w.arrivals("iphone")[1].line; !strings.Contains(ring, strings.Repeat("c1", 32)) || !strings.Contains(ring, `"apns-push-type":"voip"`) || !strings.Contains(ring, `"project":"com.example.app.voip"`) {
		t.Errorf("the iPhone rings by %s", ring)
	}
	await(t, patience, "explain shows the ring", func() bool { return slices.Contains(w.explained("2"), "iphone voip: accepted") })
	if err := pub.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestEveryDeviceWhileAWorkerIsKilled: each device gets each of many receipts although the
// worker is killed again and again; what is told again is within what was in flight, and
// has the identity of the first, so that a device shows it once.
func TestEveryDeviceWhileAWorkerIsKilled(t *testing.T) {
	t.Parallel()
	const receipts, kills = 1000, 3
	w := newEveryDevice(t)
	p := w.worker()
	pub, err := connect(t, w.addr).Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := &push.Receipt{To: map[push.Uid]push.Recipient{push.ParseUserId("usr782riWdFIwE"): {Unread: 1}}, Payload: push.Payload{
		What: push.ActMsg, Topic: "grpE2E", From: "usrEDJUdpi63P4", Content: "hello",
	}}
	for seq := 1; seq <= receipts; seq++ {
		r.Payload.SeqId = seq
		if _, err := pub.Publish(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if seq%(receipts/(kills+1)) == 0 && seq < receipts {
			p.Kill()
			p = w.worker()
		}
	}
	for device := range w.fakes {
		first, repeats := make(map[int]string), 0
		await(t, patience, "everything is at "+device, func() bool {
			first, repeats = make(map[int]string), 0
			for _, a := range w.arrivals(device) {
				if id, again := first[a.seq]; again {
					repeats++
					if id != a.collapse || id == "" {
						t.Fatalf("%s got message %d as %q and %q", device, a.seq, id, a.collapse)
					}
				}
				first[a.seq] = a.collapse
			}
			return len(first) == receipts
		})
		t.Logf("%s: %d repeats after %d kills", device, repeats, kills)
		if repeats > kills*roomOfALane {
			t.Errorf("%s: %d repeats, want at most %d kills × %d in flight", device, repeats, kills, roomOfALane)
		}
	}
	if err := pub.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
