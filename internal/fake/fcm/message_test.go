package fcm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake/fcm"
)

// fullMessage uses every field of the API in the spelling of the .proto file.
const fullMessage = `{
  "validate_only": false,
  "message": {
    "name": "", "token": "abc:DEF_-1",
    "data": {"what": "msg", "seq": "42", "utf8": "\u00e9\ud83d\ude00", "empty": ""},
    "notification": {"title": "t", "body": "b", "image": "https://x/i.png"},
    "android": {
      "collapse_key": "k", "priority": "high", "ttl": "3600.5s", "restricted_package_name": "p", "data": {"a": "b"},
      "direct_boot_ok": true, "bandwidth_constrained_ok": false, "restricted_satellite_ok": null,
      "fcm_options": {"analytics_label": "l"},
      "notification": {
        "title": "t", "body": "b", "icon": "i", "color": "#aabbcc", "sound": "s", "tag": "g", "click_action": "c",
        "body_loc_key": "k", "body_loc_args": ["1", "2"], "title_loc_key": "k", "title_loc_args": [],
        "channel_id": "c", "ticker": "t", "sticky": true, "event_time": "2026-07-04T14:22:17.25Z", "local_only": false,
        "notification_priority": "PRIORITY_MAX", "default_sound": true, "default_vibrate_timings": true,
        "default_light_settings": true, "vibrate_timings": ["0.5s", "1s"], "visibility": "PRIVATE",
        "notification_count": 0, "image": "https://x/i.png", "bypass_proxy_notification": true, "proxy": "ALLOW",
        "light_settings": {"color": {"red": 1, "green": 0.5, "blue": 0, "alpha": 1}, "light_on_duration": "1s", "light_off_duration": "2s"}
      }
    },
    "webpush": {"headers": {"TTL": "60", "Urgency": "high"}, "data": {"a": "b"}, "notification": {"title": "t", "actions": [1, {}]},
      "fcm_options": {"link": "https://x", "analytics_label": "l"}},
    "apns": {"headers": {"apns-priority": "10"}, "payload": {"aps": {"alert": {"title": "t"}, "badge": 0}, "own": [true]},
      "live_activity_token": "x", "fcm_options": {"analytics_label": "l", "image": "https://x"}},
    "fcm_options": {"analytics_label": "l"}
  }
}`

// camel respells the keys that stand in quotes before a colon.
func camelKeys(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "_") {
		if i > 0 && part != "" && part[0] >= 'a' && part[0] <= 'z' && !strings.HasSuffix(out.String(), "DEF") {
			part = strings.ToUpper(part[:1]) + part[1:]
		} else if i > 0 {
			part = "_" + part
		}
		out.WriteString(part)
	}
	return out.String()
}

func TestEveryFieldIsTakenInBothSpellings(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	camel := camelKeys(fullMessage)
	if strings.Contains(camel, "collapse_key") || !strings.Contains(camel, `"lightOnDuration"`) || !strings.Contains(camel, "PRIORITY_MAX") {
		t.Fatal("the test respells wrongly")
	}
	for _, body := range []string{fullMessage, camel} {
		if got := push(t, c, s, body); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	for _, r := range s.Requests() {
		if r.Target != "abc:DEF_-1" {
			t.Errorf("target %q, want the token", r.Target)
		}
	}
}

// badRequest is the error of a request with wrong fields.
func badRequest(t *testing.T, fields ...string) any {
	t.Helper()
	var violations []any
	var lines []string
	for i := 0; i < len(fields); i += 2 {
		v := map[string]any{"description": fields[i+1]}
		if fields[i] != "" {
			v["field"] = fields[i]
		}
		violations = append(violations, v)
		lines = append(lines, fields[i+1])
	}
	return map[string]any{"error": map[string]any{
		"code": 400., "message": strings.Join(lines, "\n"), "status": "INVALID_ARGUMENT",
		"details": []any{map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}},
	}}
}

func TestWrongFieldsAreNamed(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	const unknown = "Invalid JSON payload received. Unknown name "
	for body, want := range map[string][]string{
		`{"message":{"token":"a","data":{"k":12}}}`:          {"message.data[0].value", "Invalid value at 'message.data[0].value' (TYPE_STRING), 12"},
		`{"message":{"token":"a","data":{"a":"","k":null}}}`: {"message.data[1].value", "Invalid value at 'message.data[1].value' (TYPE_STRING), null"},
		`{"message":{"token":"a","data":{"k":{}}}}`:          {"message.data[0].value", "Invalid value at 'message.data[0].value' (TYPE_STRING), Starting an object on a scalar field"},
		`{"message":{"token":"a","data":"x"}}`:               {"message.data", `Invalid value at 'message.data' (type.googleapis.com/google.firebase.fcm.v1.Message.DataEntry), "x"`},
		`{"message":{"token":"a","foo":1}}`:                  {"message", unknown + `"foo" at 'message': Cannot find field.`},
		`{"to":"a","priority":[{"x":"}"}],"message":{"token":"a"}}`: {
			"", unknown + `"to": Cannot find field.`, "", unknown + `"priority": Cannot find field.`,
		},
		`{"message":{"token":"a","notification":{"data":{}}}}`: {"message.notification", unknown + `"data" at 'message.notification': Cannot find field.`},
		`{"message":{"token":12}}`:                             {"message.token", "Invalid value at 'message.token' (TYPE_STRING), 12"},
		`{"message":{"token":["a"]}}`:                          {"message", unknown + `"token" at 'message': Proto field is not repeating, cannot start list.`},
		`{"message":{"token":"a","topic":"b"}}`:                {"message", "Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set 'topic'"},
		`{"message":{"token":"a","android":{"priority":"urgent"}}}`: {
			"message.android.priority", `Invalid value at 'message.android.priority' (type.googleapis.com/google.firebase.fcm.v1.AndroidConfig.AndroidMessagePriority), "urgent"`,
		},
		`{"message":{"token":"a","android":{"ttl":"3600"}}}`: {
			"message.android.ttl", "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration), Field 'ttl', Illegal duration format; duration must end with 's'",
		},
		`{"message":{"token":"a","android":{"ttl":3600}}}`: {
			"message.android.ttl", "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration), 3600",
		},
		`{"message":{"token":"a","android":{"directBootOk":"yes"}}}`: {
			"message.android.direct_boot_ok", `Invalid value at 'message.android.direct_boot_ok' (TYPE_BOOL), "yes"`,
		},
		`{"message":{"token":"a","android":{"notification":{"notification_count":1.5,"body_loc_args":["a",1]}}}}`: {
			"message.android.notification.notification_count", "Invalid value at 'message.android.notification.notification_count' (TYPE_INT32), 1.5",
			"message.android.notification.body_loc_args[1]", "Invalid value at 'message.android.notification.body_loc_args[1]' (TYPE_STRING), 1",
		},
		`{"message":{"token":"a","apns":{"payload":[]}}}`: {"message.apns", unknown + `"payload" at 'message.apns': Proto field is not repeating, cannot start list.`},
		`{"message":"hi"}`: {"message", `Invalid value at 'message' (type.googleapis.com/google.firebase.fcm.v1.Message), "hi"`},
	} {
		got := push(t, c, s, body)
		if got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
			continue
		}
		if diff := cmp.Diff(badRequest(t, want...), decode(t, []byte(got.body))); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	if stats := s.Stats(); stats.Accepted != 0 || len(s.Counts()) != 0 {
		t.Errorf("%d accepted, %d targets, want none of both", stats.Accepted, len(s.Counts()))
	}
}

// details tells the kinds of details of an error, in order.
func details(t *testing.T, body string) (message string, kinds []string) {
	t.Helper()
	var e struct {
		Error struct {
			Message string
			Status  string
			Details []struct {
				Type       string `json:"@type"`
				ErrorCode  string
				Violations []struct{ Field string } `json:"fieldViolations"`
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Error.Status != "INVALID_ARGUMENT" {
		t.Fatalf("%v in %s", err, body)
	}
	for _, d := range e.Error.Details {
		kind := d.Type[strings.LastIndexByte(d.Type, '.')+1:] + " " + d.ErrorCode
		if len(d.Violations) == 1 {
			kind += d.Violations[0].Field
		}
		kinds = append(kinds, kind)
	}
	return e.Error.Message, kinds
}

func TestMessagesThatFCMRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	big := strings.Repeat("x", 4096)
	tooLarge := []string{"BadRequest ", "FcmError INVALID_ARGUMENT"}
	const forToken, forTopic = "Message is too large. The maximum is 4K (4096 bytes).", "Message is too large. The maximum is 2K (2048 bytes)."
	for _, want := range []struct {
		body, message string
		details       []string
	}{
		{`{"message":{"data":{"a":"b"}}}`, "Recipient of the message is not set.", []string{"BadRequest message", "FcmError INVALID_ARGUMENT"}},
		{`{}`, "Recipient of the message is not set.", []string{"BadRequest message", "FcmError INVALID_ARGUMENT"}},
		{``, "Recipient of the message is not set.", []string{"BadRequest message", "FcmError INVALID_ARGUMENT"}},
		{`{"message":{"topic":"a b"}}`, "Topic name contains invalid characters.", []string{"BadRequest message", "FcmError INVALID_ARGUMENT"}},
		{`{"message":{"condition":"a || b"}}`, "Request contains an invalid argument.", nil},
		{to("with space"), "The registration token is not a valid FCM registration token", []string{"FcmError INVALID_ARGUMENT"}},
		{to(""), "The registration token is not a valid FCM registration token", []string{"FcmError INVALID_ARGUMENT"}},
		{`{"message":{"token":"a","data":{"from":"x"}}}`, "Invalid data payload key: from", []string{"BadRequest message.data", "FcmError INVALID_ARGUMENT"}},
		{`{"message":{"token":"a","android":{"data":{"\u0067oogle.x":"x"}}}}`, "Invalid data payload key: google.x", []string{"BadRequest message.data", "FcmError INVALID_ARGUMENT"}},
		{`{"message":{"token":"a","android":{"ttl":"2419201s"}}}`, "TTL must be between 0 and 2419200 seconds.", []string{"BadRequest message.android.ttl", "FcmError INVALID_ARGUMENT"}},
		{`{"message":{"token":"a","android":{"ttl":"-1s"}}}`, "TTL must be between 0 and 2419200 seconds.", []string{"BadRequest message.android.ttl", "FcmError INVALID_ARGUMENT"}},
		{`{"message":{"token":"a","webpush":{"headers":{"ttl":"soon"}}}}`, "TTL must be a non-negative integer.", []string{"BadRequest message.webpush.headers.TTL", "FcmError INVALID_ARGUMENT"}},
		{`{"message":{"token":"a","data":{"k":"` + big + `"}}}`, forToken, tooLarge},
		{`{"message":{"token":"a","notification":{"body":"` + big + `"}}}`, forToken, tooLarge},
		{`{"message":{"token":"a","data":{"k":"` + big[:2000] + `"},"android":{"notification":{"body":"` + big[:2100] + `"}}}}`, forToken, tooLarge},
		{`{"message":{"token":"a","apns":{"payload":{"k":"` + big + `"}}}}`, forToken, tooLarge},
		{`{"message":{"topic":"a","data":{"k":"` + big[:2048] + `"}}}`, forTopic, tooLarge},
		{`{"message":{"token":"a"}`, "Invalid JSON payload received. Unexpected end of string.", nil},
		{`{"message":nope}`, "Invalid JSON payload received. Unexpected token.", nil},
		{"{\"message\":{\"token\":\"\xff\"}}", "Invalid JSON payload received. Invalid UTF-8 in the input.", nil},
		{`[]`, "Invalid JSON payload received. Root element must be a message.", nil},
	} {
		got := push(t, c, s, want.body)
		if got.status != 400 {
			t.Errorf("%.80s: %d %s", want.body, got.status, got.body)
			continue
		}
		message, kinds := details(t, got.body)
		if diff := cmp.Diff(want.details, kinds); diff != "" || message != want.message {
			t.Errorf("%.80s: %q %s", want.body, message, diff)
		}
	}
}

func TestMessagesAtTheLimitAreTaken(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	for _, body := range []string{
		`{"message":{"token":"a","data":{"k":"` + strings.Repeat("x", 4095) + `"}}}`,
		`{"message":{"token":"a","data":{"k":"` + strings.Repeat(`\u00e9`, 2047) + `"}}}`,                                                         // two bytes each
		`{"message":{"token":"a","data":{"k":"` + strings.Repeat("x", 4000) + `"},"android":{"data":{"k":"` + strings.Repeat("y", 4000) + `"}}}}`, // the one or the other
		`{"message":{"topic":"a","data":{"k":"` + strings.Repeat("x", 2047) + `"}}}`,
		`{"message":{"token":"a","android":{"ttl":"2419200s"}}}`,
		`{"message":{"token":"a","android":{"ttl":"0s","priority":1},"data":null}}`,
	} {
		if got := push(t, c, s, body); got.status != 200 {
			t.Errorf("%.80s: %d %s", body, got.status, got.body)
		}
	}
}

func TestContentTypeMustBeJSON(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	for kind, want := range map[string]int{"": 400, "text/plain": 400, "application/json; charset=utf-8": 200, "Application/JSON": 200} {
		r := request(t, http.MethodPost, s.URL()+"/v1/projects/demo/messages:send", to("a"))
		r.Header.Set("Content-Type", kind)
		if got, err := do(c, r); err != nil || got.status != want {
			t.Errorf("%q: %d (%v), want %d", kind, got.status, err, want)
		}
	}
}
