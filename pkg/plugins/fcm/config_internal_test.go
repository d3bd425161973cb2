package fcm

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	c := configWith(t)
	if c.TimeToLive != time.Hour || c.MaxInFlight != 720 || c.PerSecond != 9000 || c.Ramp != time.Minute || c.ProjectID != "p" || c.DryRun || c.IDsOnly || c.Android.Enabled {
		t.Errorf("unexpected defaults: %+v", c)
	}
	want := notice.Improvements{ClearBadge: true, CollapsePerMessage: true, RemainingTTL: true, Shrink: true, TolerateContent: true, Quiet: true, WholeCharacters: true, AllKeys: true}
	if c.Improvements != want {
		t.Errorf("improvements are %+v, want %+v", c.Improvements, want)
	}
}

// TestConfigsThatExist are configurations as chat servers have them.
func TestConfigsThatExist(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as in Tinode 0.16": `{"enabled":true,"buffer":1024,"project_id":"my-project","credentials":` + someAccount + `,"time_to_live":3600,` +
			`"android":{"enabled":true,"icon":"ic_logo_push","icon_color":"#3949AB","click_action":".MessageActivity",` +
			`"msg":{"title_loc_key":"new_message","title":"","body":"$content","body_loc_key":""},"sub":{"title_loc_key":"new_chat"}}}`,
		"with a file": `{"enabled":true,"credentials_file":"/etc/chat/fcm.json","time_to_live":0,"android":{"enabled":false}}`,
		"the newest's": `{"enabled":true,"dry_run":false,"credentials":` + someAccount + `,"apns_bundle_id":"co.example.app",` +
			`"android":{"enabled":true,"title_loc_args":["a"],"body_loc_args":["b"],"sound":"s","image":"i"},` +
			`"apns":{"enabled":true,"action":"a","action_loc_key":"b","launch_image":"c","loc_key":"d","loc_args":["e"],"subtitle":"f","summary_arg":"g","summary_arg_count":2},` +
			`"webpush":{"enabled":true}}`,
		"with nulls":    `{"credentials":` + someAccount + `,"android":null,"apns":{"msg":null},"credentials_file":null}`,
		"with comments": `{"credentials":` + someAccount + `,"_note":"x","android":{"_why":"y","msg":{"$z":1}}}`,
		"with our keys": `{"credentials":` + someAccount + `,"endpoint":"http://127.0.0.1:9080/v1","max_in_flight":10,"per_second":50,"ramp":"5s","concurrency":4,"timeout":"1m","retry":{"base":"1s"},"ids_only":true,"improvements":{"shrink":false}}`,
	} {
		if _, err := parseConfig(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:                              `"credentials_file" is missing`,
		`{"credentials":"x"}`:             `"credentials"`,
		`{"credentials":[]}`:              `"credentials"`,
		`{"credentials":{"type":5}}`:      `wrong type`,
		`{"credentials":{"type":"user"}}`: `not the key of a service account`,
		`{"credentials":{"project_id":"p","client_email":"e"}}`:                         `no private_key`,
		`{"credentials":{"client_email":"e","private_key":"k"}}`:                        `no usable project_id`,
		`{"credentials_file":"f","project_id":"a/b"}`:                                   `"project_id"`,
		`{"credentials_file":"f","endpoint":"127.0.0.1:9080"}`:                          `"endpoint"`,
		`{"credentials_file":"f","endpoint":"ftp://x/v1"}`:                              `"endpoint"`,
		`{"credentials_file":"f","endpoint":"https://u:pw@x/v1"}`:                       `"endpoint"`,
		`{"credentials_file":"f","time_to_live":-1}`:                                    `"time_to_live"`,
		`{"credentials_file":"f","time_to_live":2419201}`:                               `2419200`,
		`{"credentials_file":"f","time_to_live":0.5}`:                                   `"time_to_live"`,
		`{"credentials_file":"f","max_in_flight":-1}`:                                   `"max_in_flight"`,
		`{"credentials_file":"f","max_in_flight":65537}`:                                `"max_in_flight"`,
		`{"credentials_file":"f","per_second":-1}`:                                      `"per_second"`,
		`{"credentials_file":"f","ramp":-1}`:                                            `"ramp"`,
		`{"credentials_file":"f","apns_bundle_id":"a b"}`:                               `"apns_bundle_id"`,
		`{"credentials_file":"f","android":{"color":"red"}}`:                            `"android.color" is not a color`,
		`{"credentials_file":"f","android":{"msg":{"icon_color":"#1"}}}`:                `"android.msg.icon_color"`,
		`{"credentials_file":"f","android":{"sub":{"titel":"x"}}}`:                      `"android.sub.titel" is unknown`,
		`{"credentials_file":"f","improvements":{"shrinc":true}}`:                       `"improvements.shrinc" is unknown`,
		`{"credentials_file":"f","apns":{"title":"` + strings.Repeat("x", 2000) + `"}}`: `"apns" has texts`,
		`[]`: `JSON object`,
	} {
		_, err := parseConfig(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: got %v, want %q in it", text, err, want)
		}
	}
}

// TestConfigFaultsComeTogether: one run tells everything.
func TestConfigFaultsComeTogether(t *testing.T) {
	t.Parallel()
	_, err := parseConfig(`{"time_to_live":-1,"endpoint":"x","android":{"color":"red","x":1},"dry_run":"yes","apns_bundle_id":"/"}`)
	if err == nil {
		t.Fatal("no error")
	}
	for _, key := range []string{"time_to_live", "endpoint", "android.color", "android.x", "dry_run", "apns_bundle_id", "credentials_file"} {
		if !strings.Contains(err.Error(), `"`+key+`"`) {
			t.Errorf("nothing about %s in: %v", key, err)
		}
	}
}

// TestCredentialsAreNeverShown looks for the key in every text that a config, or
// what is wrong with it, can become.
func TestCredentialsAreNeverShown(t *testing.T) {
	t.Parallel()
	c := configWith(t)
	marshalled, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(marshalled)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c), fmt.Sprintf(verb, c.Credentials), fmt.Sprintf(verb, &c.Credentials))
	}
	for _, text := range []string{
		`{"credentials":"secret"}`, `{"credentials":["secret"]}`, `{"credentials":{"type":"secret"}}`,
		`{"credentials":{"private_key":"secret","type":{"secret":"secret"}}}`, `{"credentials":{"project_id":"/secret/"}}`,
		`{"credentials":{"private_key":"secret","project_id":["secret"]},"color":"x"}`,
	} {
		_, err := parseConfig(text)
		if err == nil {
			t.Fatalf("%s: no error", text)
		}
		shown = append(shown, err.Error())
	}
	for _, text := range shown {
		if strings.Contains(text, "secret") || strings.Contains(text, "736563726574") {
			t.Errorf("shown: %s", text)
		}
	}
}

// TestTTL is what the lane expires by.
func TestTTL(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"time_to_live":600`)
	call := receipt(func(r *push.Receipt) { r.Payload.Webrtc = "started" })
	short := configWith(t, `"time_to_live":5`)
	if a, b, d := c.Lifetime(receipt()), c.Lifetime(call), short.Lifetime(call); a != 10*time.Minute || b != 30*time.Second || d != 5*time.Second {
		t.Errorf("TTLs are %s, %s for a call, %s for a call when it is short", a, b, d)
	}
}

// TestKeyAsPath: the key itself where its path belongs is a fault that does not show it.
func TestKeyAsPath(t *testing.T) {
	t.Parallel()
	const key = `{"private_key":"secret"}`
	packed := base64.StdEncoding.EncodeToString([]byte(key))
	for _, path := range []string{key, "\n" + key, packed} {
		_, err := parseConfig(`{"credentials_file":` + strconv.Quote(path) + `}`)
		if err == nil || !strings.Contains(err.Error(), "not a path") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), packed) {
			t.Errorf("got %v", err)
		}
	}
}
