package devices_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// A token comes back once, however often it is returned, and only within its time.
func TestTestTokenComesBackOnce(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{Tester: func(_ context.Context, d push.Device, token string) (string, push.Tested) {
		if d.Token != "secret" || d.User != 1 || token == "" {
			t.Errorf("test push to %v of %s with %q", d, d.User, token)
		}
		return "fcm", push.Tested{Target: push.Target{Device: d, Result: push.ResultAccepted}}
	}})
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
