package push_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

const secretToken = "dGhpcyBpcyBhIHRva2Vu:APA91b"

func phone() push.Device {
	return push.Device{
		User: alice, ID: "phone", Provider: "fcm", Platform: "android", Token: secretToken, Lang: "de",
		Registered: time.Date(2026, 11, 24, 8, 30, 0, 5, time.UTC),
	}
}

const phoneJSON = `{"user":"782riWdFIwE","id":"phone","provider":"fcm","platform":"android",` +
	`"token":"dGhpcyBpcyBhIHRva2Vu:APA91b","lang":"de","registered":"2026-11-24T08:30:00.000000005Z"}`

func TestDeviceIsTheLineOfTheContract(t *testing.T) {
	t.Parallel()
	d := phone()
	for name, v := range map[string]any{"value": d, "pointer": &d} {
		got, err := json.Marshal(v)
		if err != nil || string(got) != phoneJSON {
			t.Errorf("%s: %s, %v, want %s", name, got, err, phoneJSON)
		}
	}
	var got push.Device
	if err := json.Unmarshal([]byte(phoneJSON), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got); diff != "" {
		t.Error(diff)
	}
	bare, err := json.Marshal(push.Device{ID: "1", Provider: "fcm", Token: "t"})
	if want := `{"id":"1","provider":"fcm","platform":"","token":"t"}`; err != nil || string(bare) != want {
		t.Errorf("without user, language and time: %s, %v, want %s", bare, err, want)
	}
}

func TestDeviceTakesEveryFormOfUser(t *testing.T) {
	t.Parallel()
	for _, user := range []string{`"782riWdFIwE"`, `"usr782riWdFIwE"`, `"81985529216486895"`, `81985529216486895`} {
		var d push.Device
		if err := json.Unmarshal([]byte(`{"id":"x","unknown":1,"user":`+user+`}`), &d); err != nil || d.User != alice || d.ID != "x" {
			t.Errorf("user %s: %v, %v, want alice", user, d, err)
		}
	}
	for _, user := range []string{`""`, `"bob"`, `0`, `-1`, `1.5`, `true`, `[]`, `{}`, `"0"`, `1e3`} {
		d := phone()
		if err := json.Unmarshal([]byte(`{"id":"x","user":`+user+`}`), &d); err == nil {
			t.Errorf("user %s: no error", user)
		}
		if diff := cmp.Diff(phone(), d); diff != "" {
			t.Errorf("user %s: the device was changed: %s", user, diff)
		}
	}
	d := phone()
	if err := json.Unmarshal([]byte(`{"user":null,"lang":"en"}`), &d); err != nil || d.User != alice || d.Lang != "en" || d.ID != "phone" {
		t.Errorf("absent members must stay: %v, %v", d, err)
	}
}

func TestDevicePrintsWithoutItsToken(t *testing.T) {
	t.Parallel()
	d := phone()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		for _, v := range []any{d, &d, []push.Device{d}, map[string]push.Device{"d": d}} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, secretToken) || strings.Contains(text, fmt.Sprintf("%x", secretToken)) {
				t.Errorf("%s of %T shows the token", verb, v)
			}
		}
	}
	if got, want := fmt.Sprint(d), `fcm device "phone" of usr782riWdFIwE`; got != want {
		t.Errorf("prints as %s, want %s", got, want)
	}
}

// TestLongIDIsNotShown: an id that is as long as a token may be one.
func TestLongIDIsNotShown(t *testing.T) {
	t.Parallel()
	d := phone()
	d.ID = strings.Repeat("secret", 20)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, d); strings.Contains(text, d.ID[:20]) || !strings.Contains(text, "secretse…") {
			t.Errorf("%s shows %s", verb, text)
		}
	}
}
