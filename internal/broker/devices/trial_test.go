package devices_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// tester is a handler that accepts test pushes to the devices that it takes, all of which
// have to be activated.
func tester(name, provider string, takes func(d push.Device, token string) bool) devices.Tester {
	return devices.Tester{
		Handler: name, Provider: provider, Activates: func(push.Device) bool { return true },
		Test: func(_ context.Context, d push.Device, token string) (push.Tested, bool) {
			return push.Tested{Target: push.Target{Device: d, Result: push.ResultAccepted}}, takes(d, token)
		},
	}
}

// The worker that takes the request need not have the device's handler: the one that has
// it answers, and it alone.
func TestTestPushThroughAnotherWorker(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{Testers: []devices.Tester{}})
	var sent atomic.Int32
	for _, region := range []string{"eu", "us", "eu"} { // two workers run fcm-eu
		runDevices(t, r.broker.Connect(t), devices.Options{Testers: []devices.Tester{tester("fcm-"+region, "fcm", func(d push.Device, _ string) bool {
			if d.More().App != region {
				return false
			}
			sent.Add(1)
			return d.Token == "secret"
		})}})
	}
	put := func(id, provider, app, token string) {
		t.Helper()
		if _, err := r.devices.Put(t.Context(), push.Device{User: 1, ID: id, Provider: provider, Token: token, Extra: &push.Extra{App: app}}); err != nil {
			t.Fatal(err)
		}
	}
	put("phone", "fcm", "eu", "secret")
	put("other", "hms", "", "none")
	nc, _ := brokertest.Client(t, r.broker.URL())
	var got struct {
		Tests []struct{ Handler, Result, Why string }
	}
	brokertest.Eventually(t, "the other workers to be there", func() bool {
		// the workers share the requests: it may be one that has the handler itself
		if err := json.Unmarshal(ask(t, nc, "test", `{"user":1,"id":"phone"}`).Data, &got); err != nil {
			t.Fatal(err)
		}
		return len(got.Tests) == 1 && got.Tests[0].Result == "accepted"
	})
	if got.Tests[0].Handler != "fcm-eu" {
		t.Errorf("answered by %+v", got.Tests)
	}
	before := sent.Load()
	for range 8 {
		ask(t, nc, "test", `{"user":1,"id":"phone"}`)
	}
	if n := sent.Load() - before; n != 8 {
		t.Errorf("%d pushes were sent for 8 requests", n)
	}
	if answer := string(ask(t, nc, "test", `{"user":1,"id":"other"}`).Data); !strings.Contains(answer, "no handler of any worker") {
		t.Error(answer)
	}
}

// A web push subscription that has to be activated gets a test push when it is registered,
// and is activated by its return, for as long as it is registered.
func TestActivation(t *testing.T) {
	t.Parallel()
	tokens := make(chan string, 16)
	r := newDeviceRig(t, devices.Options{Testers: []devices.Tester{tester("webpush", "webpush", func(_ push.Device, token string) bool {
		tokens <- token
		return true
	})}})
	nc, _ := brokertest.Client(t, r.broker.URL())
	const keys = `"keys":{"p256dh":"BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8","auth":"BTBZMqHH6r4Tts7J_aSIgg"}`
	const phone = `{"user":1,"id":"phone","provider":"webpush","platform":"web","token":"https://push.example.com/1",` + keys + `}`
	activated := func() bool {
		t.Helper()
		list, err := r.devices.List(t.Context(), 1)
		if err != nil || len(list) != 1 {
			t.Fatalf("devices are %v, %v", list, err)
		}
		cached := devicesOf(t, r.devices, 1)[1]
		if list[0].More().Activated != cached[0].More().Activated {
			t.Errorf("stored is %t, cached %t", list[0].More().Activated, cached[0].More().Activated)
		}
		return list[0].More().Activated
	}
	next := func() string {
		t.Helper()
		select {
		case token := <-tokens:
			return token
		case <-time.After(brokertest.Deadline):
			t.Fatal("no test push")
			return ""
		}
	}
	wantOK(t, nc, "put", phone)
	token := next()
	if activated() {
		t.Error("it is activated before the token is returned")
	}
	wantOK(t, nc, "ack", `{"token":"`+token+`"}`)
	if !activated() {
		t.Error("it is not activated")
	}
	wantOK(t, nc, "put", phone) // the app starts again
	r.devices.Tried()           // else it would find the next subscription, and send to that, too
	if !activated() {
		t.Error("it is activated no more")
	}
	wantOK(t, nc, "put", strings.Replace(phone, "com/1", "com/2", 1))
	token = next() // for the second alone
	if activated() {
		t.Error("another subscription is activated")
	}
	wantOK(t, nc, "rm", `{"user":1}`)
	wantOK(t, nc, "ack", `{"token":"`+token+`"}`) // too late, and no harm
	select {
	case <-tokens:
		t.Error("an activated device gets another test push")
	default:
	}
}

// A token whose device could not be activated is good for another try.
func TestActivationIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{Testers: []devices.Tester{tester("fcm", "fcm", func(push.Device, string) bool { return true })}})
	nc, _ := brokertest.Client(t, r.broker.URL())
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"fcm","platform":"ios","token":"secret"}`)
	trials, err := r.devices.Test(t.Context(), 1, "phone")
	if err != nil || len(trials) != 1 {
		t.Fatalf("test is %+v, %v", trials, err)
	}
	const list = `[{"id":"phone","provider":"fcm","platform":"ios","token":"secret"}]`
	storeRaw(t, nc, 1, "no list")
	ack := `{"token":"` + trials[0].Token + `"}`
	if answer := string(ask(t, nc, "ack", ack).Data); !strings.Contains(answer, `"damaged"`) {
		t.Errorf("with a list that cannot be read: %s", answer)
	}
	storeRaw(t, nc, 1, list)
	wantOK(t, nc, "ack", ack)
	if all, err := r.devices.List(t.Context(), 1); err != nil || len(all) != 1 || !all[0].More().Activated {
		t.Errorf("devices are %v, %v, want one that is activated", all, err)
	}
}

// A token comes back once, however often it is returned, and only within its time.
func TestTestTokenComesBackOnce(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{Testers: []devices.Tester{tester("fcm", "fcm", func(d push.Device, token string) bool {
		if d.Token != "secret" || d.User != 1 || token == "" {
			t.Errorf("test push to %v of %s with %q", d, d.User, token)
		}
		return true
	})}})
	nc, js := brokertest.Client(t, r.broker.URL())
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"fcm","platform":"ios","token":"secret"}`)
	trials, err := r.devices.Test(t.Context(), 1, "phone")
	if err != nil || len(trials) != 1 || trials[0].Result != "accepted" || trials[0].Handler != "fcm" {
		t.Fatalf("test is %+v, %v", trials, err)
	}
	if out, err := r.devices.Returned(t.Context(), trials); out != 1 || err != nil {
		t.Errorf("before it is returned, %d are out, %v", out, err)
	}
	var taken atomic.Int32
	var returning sync.WaitGroup
	for range 8 {
		returning.Go(func() {
			switch answer := string(ask(t, nc, "ack", `{"token":"`+trials[0].Token+`"}`).Data); {
			case answer == `{"ok":true}`:
				taken.Add(1)
			case !strings.Contains(answer, "returned before"):
				t.Error(answer)
			}
		})
	}
	returning.Wait()
	if n := taken.Load(); n != 1 {
		t.Errorf("the token was taken %d times", n)
	}
	if answer := string(ask(t, nc, "ack", `{"token":"`+trials[0].Token+`"}`).Data); !strings.Contains(answer, "returned before") {
		t.Error(answer)
	}
	if out, err := r.devices.Returned(t.Context(), trials); out != 0 || err != nil || trials[0].Returned.IsZero() {
		t.Errorf("after it was returned, %d are out, %v", out, err)
	}
	for _, token := range []string{"", "AAAAAAAAAAAAAAAAAAAAAAAAAA", ">", "user.AQAAAAAAAAA", strings.Repeat("A", 65)} {
		request, err := json.Marshal(map[string]string{"token": token})
		if err != nil {
			t.Fatal(err)
		}
		if answer := string(ask(t, nc, "ack", string(request)).Data); !strings.Contains(answer, "of no test push") {
			t.Errorf("token %q: %s", token, answer)
		}
	}
	s, err := js.Stream(t.Context(), "KV_push-devices")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.GetLastMsgForSubject(t.Context(), "$KV.push-devices.test."+trials[0].Token)
	if err != nil || stored.Header.Get("Nats-TTL") != "10m" || strings.Contains(string(stored.Data), "phone") {
		t.Errorf("stored is %+v, %v", stored, err)
	}
}

// Without handlers there is nobody to send.
func TestTestPushNeedsHandlers(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"fcm","platform":"ios","token":"secret"}`)
	_, err := r.devices.Test(t.Context(), 1, "")
	brokertest.WantError(t, err, "no handlers")
}
