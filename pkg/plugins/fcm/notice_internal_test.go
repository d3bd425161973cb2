package fcm

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
)

// everyKey has each key of a section once, with a value that shows where it went.
const everyKey = `{"enabled":true,"title":"title","title_loc_key":"title_loc_key","title_loc_args":["title_arg"],` +
	`"body":"$content","body_loc_key":"body_loc_key","body_loc_args":["$content","body_arg"],` +
	`"icon":"icon","color":"#111111","click_action":"https://click.example/","channel_id":"channel_id","visibility":"secret",` +
	`"sound":"sound","image":"https://image.example/i.png","action":"action","action_loc_key":"action_loc_key",` +
	`"launch_image":"launch_image","loc_key":"loc_key","loc_args":["loc_arg"],"subtitle":"subtitle",` +
	`"summary_arg":"summary_arg","summary_arg_count":2,"category":"category"}`

// TestAllKeys: what people set is sent wherever the platform knows it.
func TestAllKeys(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"android":`+everyKey, `"apns":`+everyKey, `"webpush":`+everyKey)
	tmpl, _ := newTemplate(c, receipt(), sentAt.Add(time.Second))
	for name, tt := range map[string]struct {
		of   platform
		want string
	}{
		"android": {android, `{"notification":{"title":"title","body":"Hello, world","icon":"icon","color":"#111111","sound":"sound",
			"tag":"grpnG99YhENiQU","click_action":"https://click.example/","body_loc_key":"body_loc_key","body_loc_args":["Hello, world","body_arg"],
			"title_loc_key":"title_loc_key","title_loc_args":["title_arg"],"channel_id":"channel_id","image":"https://image.example/i.png",
			"notification_priority":"PRIORITY_HIGH","visibility":"SECRET"},"priority":"high","ttl":"3599s"}`},
		"apns": {ios, `{"payload":{"aps":{"alert":{"title":"title","subtitle":"subtitle","body":"Hello, world","title-loc-key":"title_loc_key",
			"title-loc-args":["title_arg"],"loc-key":"loc_key","loc-args":["loc_arg"],"action":"action","action-loc-key":"action_loc_key",
			"launch-image":"launch_image","summary-arg":"summary_arg","summary-arg-count":2},"badge":3,"category":"category","content-available":1,
			"interruption-level":"time-sensitive","mutable-content":1,"sound":"sound","thread-id":"grpnG99YhENiQU"}},
			"fcm_options":{"image":"https://image.example/i.png"}}`},
		"webpush": {web, `{"notification":{"title":"title","body":"Hello, world","icon":"icon","image":"https://image.example/i.png",
			"tag":"grpnG99YhENiQU"},"fcm_options":{"link":"https://click.example/"}}`},
	} {
		var message map[string]map[string]any
		var want map[string]any
		_ = json.Unmarshal(textTo(tmpl, bob, receipt().To[bob], tt.of, ""), &message)
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		got := message[name]
		delete(got, "headers")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSecondNames: legacy FCM's names for Apple's keys, and lists that override.
func TestSecondNames(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"apns":{"enabled":true,"body_loc_key":"b","body_loc_args":["1"],"click_action":"C","msg":{"body_loc_args":["2"]}}`)
	aps := messageTo(t, c, receipt(), ios).APNS.Payload.Aps
	alert := aps.Alert
	if alert.LocKey != "b" || !cmp.Equal(alert.LocArgs, []string{"2"}) || aps.Category != "C" {
		t.Errorf("%+v, category %q", alert, aps.Category)
	}
}

// TestIdleKeys: a key that its platform does not know, or a value that it cannot use,
// is named, and sends nothing.
func TestIdleKeys(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"android":`+everyKey, `"apns":`+everyKey, `"webpush":`+everyKey)
	for name, tt := range map[string]struct {
		section *notice.Section
		want    []string
	}{
		"android": {&c.Android, []string{
			"android.action", "android.action_loc_key", "android.category", "android.launch_image", "android.loc_args",
			"android.loc_key", "android.subtitle", "android.summary_arg", "android.summary_arg_count",
		}},
		"apns": {&c.APNS, []string{"apns.channel_id", "apns.color", "apns.icon", "apns.visibility"}},
		"webpush": {&c.Webpush, []string{
			"webpush.action", "webpush.action_loc_key", "webpush.body_loc_args", "webpush.body_loc_key", "webpush.category",
			"webpush.channel_id", "webpush.color", "webpush.launch_image", "webpush.loc_args", "webpush.loc_key", "webpush.sound",
			"webpush.subtitle", "webpush.summary_arg", "webpush.summary_arg_count", "webpush.title_loc_args", "webpush.title_loc_key", "webpush.visibility",
		}},
	} {
		if diff := cmp.Diff(tt.want, tt.section.Idle(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	c = configWith(t, `"android":{"enabled":true,"image":"x"},"webpush":{"enabled":true,"title":"T","sub":{"click_action":".Activity"}}`)
	if got := append(c.Android.Idle("android"), c.Webpush.Idle("webpush")...); !cmp.Equal(got, []string{"android.image", "webpush.sub.click_action"}) {
		t.Errorf("unusable values: %v", got)
	}
	if image := messageTo(t, c, receipt(), android).Android.Notification; image != nil && image.ImageURL != "" {
		t.Errorf("image is sent: %q", image.ImageURL)
	}
}
