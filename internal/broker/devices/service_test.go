package devices_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// ask sends a device request and returns the answer.
func ask(tb testing.TB, nc *nats.Conn, what, request string) *nats.Msg {
	tb.Helper()
	var m *nats.Msg
	brokertest.Eventually(tb, "an answer", func() bool { // the first may come before the service
		var err error
		m, err = nc.Request("push.devices."+what, []byte(request), brokertest.Deadline)
		return err == nil
	})
	return m
}

func wantOK(tb testing.TB, nc *nats.Conn, what, request string) {
	tb.Helper()
	if m := ask(tb, nc, what, request); string(m.Data) != `{"ok":true}` {
		tb.Errorf("%s %s: %s", what, request, m.Data)
	}
}

func TestDeviceRequests(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	wantOK(t, nc, "put", `{"user":"usrAQAAAAAAAAA","id":"phone","provider":"fcm","platform":"ios","token":"secret","lang":"de"}`)
	wantOK(t, nc, "put", `{"user":1,"id":"tablet","provider":"fcm","platform":"","token":"secret-2"}`)
	if got := devicesOf(t, r.devices, 1)[1]; len(got) != 2 || got[0].Token != "secret" || got[0].Lang != "de" || got[1].ID != "tablet" {
		t.Errorf("registered: %v", got)
	}

	m := ask(t, nc, "ls", `{"user":"AQAAAAAAAAA"}`)
	var list struct {
		OK      bool
		Devices []map[string]any
	}
	if err := json.Unmarshal(m.Data, &list); err != nil || !list.OK || len(list.Devices) != 2 {
		t.Fatalf("ls: %s", m.Data)
	}
	if strings.Contains(string(m.Data), "secret") {
		t.Errorf("ls shows a token: %s", m.Data)
	}
	registered, err := time.Parse(time.RFC3339, fmt.Sprint(list.Devices[0]["registered"]))
	if err != nil || time.Since(registered) > time.Hour {
		t.Errorf("registered at %s, %v", registered, err)
	}
	delete(list.Devices[0], "registered")
	want := map[string]any{"id": "phone", "provider": "fcm", "platform": "ios", "lang": "de", "token_hash": r.devices.Hash("secret")}
	if diff := cmp.Diff(want, list.Devices[0]); diff != "" {
		t.Errorf("ls: -want +got\n%s", diff)
	}

	wantOK(t, nc, "rm", `{"user":"1","id":"phone"}`)
	if got := devicesOf(t, r.devices, 1)[1]; len(got) != 1 || got[0].ID != "tablet" {
		t.Errorf("after rm: %v", got)
	}
	wantOK(t, nc, "rm", `{"user":"1"}`)
	wantOK(t, nc, "rm", `{"user":"1"}`) // there is none any more
	if m := ask(t, nc, "ls", `{"user":"1"}`); string(m.Data) != `{"ok":true,"devices":[]}` {
		t.Errorf("ls of nothing: %s", m.Data)
	}
}

// TestDeviceRequestsWithAnExtra: what tells devices of several apps apart is kept by
// put, shown by ls but for the keys, and chosen by in rm.
func TestDeviceRequestsWithAnExtra(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	const keys = `{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}`
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"apns","token":"secret-m","app":"a"}`)
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"apns","token":"secret-c","app":"a","kind":"voip","env":"sandbox"}`)
	wantOK(t, nc, "put", `{"user":1,"id":"web","provider":"webpush","token":"secret-w","app":"b","keys":`+keys+`}`)
	all := devicesOf(t, r.devices, 1)[1]
	line, err := json.Marshal(all[2])
	if err != nil || !strings.Contains(string(line), `"app":"b","keys":`+keys) {
		t.Errorf("kept is %s, %v", line, err)
	}
	m := ask(t, nc, "ls", `{"user":1}`)
	if text := string(m.Data); !strings.Contains(text, `"app":"a","kind":"voip","env":"sandbox"`) || strings.Contains(text, "secret") || strings.Contains(text, "p256dh") {
		t.Errorf("ls: %s", text)
	}
	for _, step := range []struct {
		request string
		left    int
	}{
		{`{"user":1,"env":"production"}`, 3},
		{`{"user":1,"id":"phone","app":"b"}`, 3},
		{`{"user":1,"id":"phone","kind":"voip"}`, 2},
		{`{"user":1,"app":"a"}`, 1},
	} {
		wantOK(t, nc, "rm", step.request)
		if left := devicesOf(t, r.devices, 1)[1]; len(left) != step.left {
			t.Errorf("after rm %s: %v, want %d devices", step.request, left, step.left)
		}
	}
}

func TestDeviceRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	for _, c := range []struct{ what, request, code, message string }{
		{"put", ``, "malformed", "not JSON"},
		{"put", `[]`, "malformed", "want {"},
		{"put", `{"user":"secret"}`, "malformed", "user id"},
		{"put", `{"user":1,"token":"secret","id":"` + strings.Repeat("x", 20_000) + `"}`, "malformed", "16384"},
		{"put", `{"user":1,"token":"secret","id":"a","provider":"f c m"}`, "invalid", "provider is not a name"},
		{"put", `{"token":"secret"}`, "invalid", "user is missing: give usr…, its 11 characters or the decimal number; id is missing; provider"},
		{"ls", `{}`, "invalid", "user is missing"},
		{"rm", `{"id":"phone"}`, "invalid", "user is missing"},
	} {
		m := ask(t, nc, c.what, c.request)
		var got struct {
			OK    *bool
			Error struct{ Code, Message string }
		}
		err := json.Unmarshal(m.Data, &got)
		if err != nil || got.OK != nil || got.Error.Code != c.code || !strings.Contains(got.Error.Message, c.message) {
			t.Errorf("%s %.60s: %s, want %s, %s", c.what, c.request, m.Data, c.code, c.message)
		}
		if m.Header.Get(micro.ErrorCodeHeader) != c.code || m.Header.Get(micro.ErrorHeader) == "" {
			t.Errorf("%s %.60s: headers %v", c.what, c.request, m.Header)
		}
		if strings.Contains(string(m.Data), "secret") {
			t.Errorf("%s %.60s: the answer shows the token: %s", c.what, c.request, m.Data)
		}
	}
}

func TestDeviceRequestsSayWhenTheBucketIsGone(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, js := brokertest.Client(t, r.broker.URL())
	if err := js.DeleteStream(t.Context(), "KV_push-devices"); err != nil {
		t.Fatal(err)
	}
	for what, request := range map[string]string{
		"put": `{"user":1,"id":"a","provider":"fcm","token":"secret"}`, "ls": `{"user":1}`, "rm": `{"user":1}`,
	} {
		if m := ask(t, nc, what, request); !strings.Contains(string(m.Data), `"code":"unavailable"`) || !strings.Contains(string(m.Data), "PUSHWORKER_PROVISION") {
			t.Errorf("%s: %s", what, m.Data)
		}
	}
}

// TestReplicasShareDeviceRequests has several replicas answer many requests, each
// once, while replicas come and go.
func TestReplicasShareDeviceRequests(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	wantOK(t, nc, "rm", `{"user":1}`)
	const requests = 300
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			request := fmt.Sprintf(`{"user":%d,"id":"phone","provider":"fcm","token":"t%d"}`, i+1, i)
			m, err := nc.Request("push.devices.put", []byte(request), brokertest.Deadline)
			// A replica that is stopping asks to be asked again.
			for err == nil && strings.Contains(string(m.Data), "stopping") {
				m, err = nc.Request("push.devices.put", []byte(request), brokertest.Deadline)
			}
			if err != nil || string(m.Data) != `{"ok":true}` {
				t.Errorf("request %d: %v %v", i, m, err)
			}
		})
	}
	for range 3 {
		another := r.broker.Connect(t)
		d, err := devices.Open(t.Context(), another, devices.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		wantOK(t, nc, "rm", `{"user":1000}`)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		another.Close() // what it has begun must be answered by now
	}
	wg.Wait()
	users := make([]push.Uid, requests)
	for i := range users {
		users[i] = push.Uid(i + 1)
	}
	brokertest.Eventually(t, "all registered", func() bool { return len(devicesOf(t, r.devices, users...)) == requests })
}

func TestDeviceServiceCanBeFound(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	wantOK(t, nc, "rm", `{"user":1}`)
	m, err := nc.Request("$SRV.INFO.pushworker-devices", nil, brokertest.Deadline)
	if err != nil {
		t.Fatal(err)
	}
	var info micro.Info
	if err := json.Unmarshal(m.Data, &info); err != nil || len(info.Endpoints) != 5 {
		t.Fatalf("%s: %v", m.Data, err)
	}
	for _, e := range info.Endpoints {
		if e.QueueGroup != "pushworker" || e.Subject != "push.devices."+e.Name {
			t.Errorf("endpoint %+v", e)
		}
	}
}

func TestRunEndsWhenWhatItHasBegunIsAnswered(t *testing.T) {
	t.Parallel()
	l, d, wire := newScripted(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	nc, _ := brokertest.Client(t, wire.URL())
	if m := ask(t, nc, "ls", `{"user":1}`); !strings.Contains(string(m.Data), `"ok":true`) {
		t.Fatalf("ls: %s", m.Data)
	}
	began, release := make(chan struct{}), make(chan struct{})
	l.script(func(m *nats.Msg, s []string) {
		close(began)
		<-release
		truth(m, s)
	})
	answered := make(chan string, 1)
	go func() {
		m, err := nc.Request("push.devices.ls", []byte(`{"user":1}`), brokertest.Deadline)
		if err != nil {
			answered <- err.Error()
			return
		}
		answered <- string(m.Data)
	}()
	<-began
	stop()
	select {
	case err := <-ended:
		close(release)
		t.Fatalf("Run ended before the request was answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if a := <-answered; !strings.Contains(a, `"ok":true`) {
		t.Errorf("answer: %s", a)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
