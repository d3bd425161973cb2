package device_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	keyOfBrowser    = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	secretOfBrowser = "BTBZMqHH6r4Tts7J_aSIgg"
)

// TestListOfTheOldShapeReadsAndStaysAsItWas: a directory that knows apps must change
// no byte of what one wrote that did not.
func TestListOfTheOldShapeReadsAndStaysAsItWas(t *testing.T) {
	t.Parallel()
	const old = `[{"id":"a","provider":"fcm","platform":"android","token":"t-a","lang":"de","registered":"2026-11-24T08:30:00Z"}` +
		`,{"id":"b","provider":"fcm","platform":"ios","token":"t-b","registered":"2026-11-24T08:31:00Z"}]`
	var s device.Memory
	overwrite(t, &s, "user.AQAAAAAAAAA", old)
	d := device.New(&s, device.Options{})
	list, err := d.List(t.Context(), 1)
	if err != nil || len(list) != 2 || list[0].Extra != nil || list[0].ID != "a" || list[1].Token != "t-b" {
		t.Fatalf("reads %v, %v, want a and b without an app", list, err)
	}
	put(t, d, 1, "c", "t-c")
	if n, err := d.Remove(t.Context(), push.Device{User: 1, ID: "c"}); err != nil || n != 1 {
		t.Fatalf("Remove = %d, %v", n, err)
	}
	if diff := cmp.Diff(old, valueOf(t, &s, "user.AQAAAAAAAAA")); diff != "" {
		t.Error(diff)
	}
}

// TestTokenForCallsStandsBesideThatForMessages: a device is told apart by its app and
// kind too, and by nothing else of what it has.
func TestTokenForCallsStandsBesideThatForMessages(t *testing.T) {
	t.Parallel()
	d := device.New(new(device.Memory), device.Options{})
	register := func(token string, e push.Extra) {
		t.Helper()
		if _, err := d.Put(t.Context(), push.Device{User: 1, ID: "phone", Provider: "apns", Token: token, Extra: &e}); err != nil {
			t.Fatal(err)
		}
	}
	register("alert", push.Extra{App: "a"})
	register("calls", push.Extra{App: "a", Kind: "voip"})
	register("other", push.Extra{App: "b"})
	register("sand", push.Extra{App: "b", Env: "sandbox"}) // the same installation, built anew
	list, err := d.List(t.Context(), 1)
	var tokens []string
	for _, have := range list {
		tokens = append(tokens, have.Token)
	}
	if got := strings.Join(tokens, " "); err != nil || got != "alert calls sand" {
		t.Errorf("%s, %v, want alert calls sand", got, err)
	}
	if n, err := d.Remove(t.Context(), push.Device{User: 1, Extra: &push.Extra{Kind: "voip"}}); err != nil || n != 1 {
		t.Errorf("removing what takes calls removed %d, %v, want 1", n, err)
	}
	if n, err := d.Remove(t.Context(), push.Device{User: 1, Extra: &push.Extra{Env: "production"}}); err != nil || n != 0 {
		t.Errorf("removing what no device has removed %d, %v, want 0", n, err)
	}
}

func TestEmptyExtraIsNone(t *testing.T) {
	t.Parallel()
	var s device.Memory
	d := device.New(&s, device.Options{})
	if _, err := d.Put(context.Background(), push.Device{User: 1, ID: "a", Provider: "fcm", Token: "t", Extra: new(push.Extra)}); err != nil {
		t.Fatal(err)
	}
	if list, err := d.List(t.Context(), 1); err != nil || len(list) != 1 || list[0].Extra != nil {
		t.Errorf("%v, %v, want a device without extra", list, err)
	}
}

func TestLineWithAnExtra(t *testing.T) {
	t.Parallel()
	const head = `{"user":1,"id":"a","provider":"webpush","token":"https://push.example/1"`
	for members, want := range map[string]string{
		``:                       "",
		`,"app":"","kind":null`:  "",
		`,"app":"org.example.a"`: "",
		`,"app":"a b"`:           "app is not a name",
		`,"app":1`:               "app is a JSON number: want a string",
		`,"kind":"voip"`:         "",
		`,"kind":"alert"`:        "kind is unknown: use voip",
		`,"env":"sandbox"`:       "",
		`,"env":"dev"`:           "env is unknown: use production or sandbox",
		`,"failing":{"why":"away","since":"2026-11-24T08:30:00Z"}`:                     "",
		`,"failing":{"why":"away"}`:                                                    "failing is not as a worker has written it",
		`,"failing":{"why":"a b","since":"2026-11-24T08:30:00Z"}`:                      "failing is not as a worker has written it",
		`,"keys":"` + secretOfBrowser + `"`:                                            "keys is not a JSON object",
		`,"keys":{"p256dh":1}`:                                                         "keys.p256dh is a JSON number: want a string",
		`,"keys":{"auth":"` + secretOfBrowser + `"}`:                                   "keys.p256dh is not 65 bytes",
		`,"keys":{"p256dh":"` + keyOfBrowser + `"}`:                                    "keys.auth is not 16 bytes",
		`,"keys":{"p256dh":"` + keyOfBrowser + `","auth":"` + secretOfBrowser + `=="}`: "",
	} {
		d, err := device.ParseLine([]byte(head + members + "}"))
		if err == nil {
			err = device.Validate(d)
		}
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", members, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secretOfBrowser) {
			t.Errorf("%s: the error shows the secret", members)
		}
	}
}

// TestDeviceStaysSmall: a cache of devices holds hundreds of thousands, and nearly none
// has an app of its own. One pointer is what that may cost.
func TestDeviceStaysSmall(t *testing.T) {
	t.Parallel()
	parts := unsafe.Sizeof(push.Uid(0)) + 5*unsafe.Sizeof("") + unsafe.Sizeof(time.Time{}) // user, five texts, registered
	if size, want := unsafe.Sizeof(push.Device{}), parts+unsafe.Sizeof(uintptr(0)); size > want {
		t.Errorf("a device takes %d bytes, want at most %d", size, want)
	}
}

// TestDevicesAreAskedForByProvider: a handler gets those of its own provider, and hears
// of a user who has others only.
func TestDevicesAreAskedForByProvider(t *testing.T) {
	t.Parallel()
	d := device.New(new(device.Memory), device.Options{})
	for i, provider := range []string{"fcm", "webpush", "webpush"} {
		token := string(rune('a' + i))
		if _, err := d.Put(t.Context(), push.Device{User: push.Uid(1 + i/2), ID: token, Provider: provider, Token: token}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // of the store, and of the cache
		for provider, want := range map[string]map[push.Uid][]string{
			"":        {1: {"a", "b"}, 2: {"c"}},
			"fcm":     {1: {"a"}, 2: {}},
			"webpush": {1: {"b"}, 2: {"c"}},
			"apns":    {1: {}, 2: {}},
		} {
			found, err := d.Devices(t.Context(), []push.Uid{1, 2, 3}, provider)
			got := make(map[push.Uid][]string)
			for u, list := range found {
				got[u] = []string{}
				for _, dev := range list {
					got[u] = append(got[u], dev.ID)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%q: %v (-want +got):\n%s", provider, err, diff)
			}
		}
	}
}
