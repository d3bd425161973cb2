package fcm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

const (
	typeFCM   = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
	typeApple = "type.googleapis.com/google.firebase.fcm.v1.ApnsError"
	typeBad   = "type.googleapis.com/google.rpc.BadRequest"
	typeInfo  = "type.googleapis.com/google.rpc.ErrorInfo"
	typeQuota = "type.googleapis.com/google.rpc.QuotaFailure"
	secretish = "fcm-token-do-not-quote"
	goodID    = "projects/p/messages/0:1"
)

// coded is a refusal of FCM's with its code and more details.
func coded(code string, details ...string) string {
	return detailed("X", append([]string{`{"@type":"` + typeFCM + `","errorCode":"` + code + `"}`}, details...)...)
}

// detailed is a refusal of Google's with its name of the status.
func detailed(state string, details ...string) string {
	return `{"error":{"message":"` + secretish + `","status":"` + state + `","details":[` + strings.Join(details, ",") + `]}}`
}

func apple(status int, reason string) string {
	return fmt.Sprintf(`{"@type":"%s","statusCode":%d,"reason":"%s"}`, typeApple, status, reason)
}

func violated(fields ...string) string {
	return `{"@type":"` + typeBad + `","fieldViolations":[{"field":"` + strings.Join(fields, `"},{"field":"`) + `"}]}`
}

func quota(subject, description string) string {
	return `{"@type":"` + typeQuota + `","violations":[{"subject":"` + subject + `","description":"` + description + `"}]}`
}

func reason(text string) string { return `{"@type":"` + typeInfo + `","reason":"` + text + `"}` }

// TestClassify goes through every row of FCM's error reference, and through what
// stands in none.
func TestClassify(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		status     int
		body       string
		retryAfter string
		want       line.Answer // without code and error
		says       string
	}{
		"404 UNREGISTERED":   {status: 404, body: coded("UNREGISTERED"), want: line.Answer{Fate: line.Gone}},
		"404 without a code": {status: 404, body: detailed("NOT_FOUND"), want: foreign, says: "project_id"},
		"404 of a proxy":     {status: 404, body: "<html>", want: foreign, says: "endpoint"},

		"400 token":            {status: 400, body: strings.ReplaceAll(coded("INVALID_ARGUMENT"), secretish, "The registration token is not a valid FCM registration token"), want: line.Answer{Fate: line.Gone}},
		"400 token field":      {status: 400, body: detailed("INVALID_ARGUMENT", violated("message.token")), want: line.Answer{Fate: line.Gone}},
		"400 token and others": {status: 400, body: detailed("INVALID_ARGUMENT", violated("message.token", "message.data[0].key")), want: line.Answer{Fate: line.Rejected}, says: "message.data[0].key"},
		"400 payload field":    {status: 400, body: detailed("INVALID_ARGUMENT", violated("message.data[0].value")), want: line.Answer{Fate: line.Rejected}, says: "chat server"},
		"400 android field":    {status: 400, body: coded("INVALID_ARGUMENT", violated("message.android.ttl")), want: line.Answer{Fate: line.Rejected}, says: "android section"},
		"400 odd field":        {status: 400, body: coded("INVALID_ARGUMENT", violated("message."+secretish)), want: line.Answer{Fate: line.Rejected}},
		"400 code only":        {status: 400, body: coded("INVALID_ARGUMENT"), want: line.Answer{Fate: line.Rejected}},
		"400 of the front end": {status: 400, body: detailed("INVALID_ARGUMENT"), want: line.Answer{Fate: line.Rejected}},
		"400 of another code":  {status: 400, body: coded("SOMETHING_NEW"), want: foreign},
		"400 of a proxy":       {status: 400, body: `{"error":"bad request"}`, want: foreign},
		"400 of another API":   {status: 400, body: `{"error":{"code":"400","message":"registration token"}}`, want: foreign},

		"400 Apple, app removed":   {status: 400, body: coded("INVALID_ARGUMENT", apple(410, "Unregistered")), want: line.Answer{Fate: line.Gone}},
		"404 Apple, app removed":   {status: 404, body: coded("UNREGISTERED", apple(410, "Unregistered")), want: line.Answer{Fate: line.Gone}},
		"400 Apple, bad token":     {status: 400, body: coded("INVALID_ARGUMENT", apple(400, "BadDeviceToken")), want: line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errApple}},
		"400 Apple, too large":     {status: 400, body: coded("INVALID_ARGUMENT", apple(413, "PayloadTooLarge")), want: line.Answer{Fate: line.Rejected}, says: "Apple 413 PayloadTooLarge"},
		"400 Apple, wrong topic":   {status: 400, body: coded("INVALID_ARGUMENT", apple(400, "TopicDisallowed")), want: platformDown, says: "bundle id"},
		"400 Apple, new reason":    {status: 400, body: coded("INVALID_ARGUMENT", apple(400, "BadWeather")), want: line.Answer{Fate: line.Rejected}, says: "BadWeather"},
		"429 Apple, one device":    {status: 429, body: coded("QUOTA_EXCEEDED", apple(429, "TooManyRequests")), want: line.Answer{Fate: line.Again, Wait: time.Minute}},
		"503 Apple is down":        {status: 503, body: coded("UNAVAILABLE", apple(503, "ServiceUnavailable")), want: line.Answer{Fate: line.Again, Scope: line.OfGroup}},
		"401 Apple, key":           {status: 401, body: coded("THIRD_PARTY_AUTH_ERROR", apple(403, "InvalidProviderToken")), want: platformDown, says: "Apple 403 InvalidProviderToken: upload a valid APNs key"},
		"401 Apple, environment":   {status: 401, body: coded("THIRD_PARTY_AUTH_ERROR", apple(403, "BadEnvironmentKeyInToken")), want: platformDown, says: "development"},
		"401 Apple, token":         {status: 401, body: coded("THIRD_PARTY_AUTH_ERROR", apple(400, "DeviceTokenNotForTopic")), want: line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errApple}},
		"401 third party, old":     {status: 401, body: coded("APNS_AUTH_ERROR"), want: platformDown},
		"401 third party":          {status: 401, body: coded("THIRD_PARTY_AUTH_ERROR"), want: platformDown, says: "APNs key or Web Push"},
		"401 ours":                 {status: 401, body: detailed("UNAUTHENTICATED"), want: refusedUs, says: "replace the service account's key"},
		"401 of a proxy":           {status: 401, body: "<html>", want: foreign, says: "proxy"},
		"403 sender":               {status: 403, body: coded("SENDER_ID_MISMATCH"), want: line.Answer{Fate: line.Gone, Scope: line.All, Doubt: errAlien}},
		"403 ours":                 {status: 403, body: detailed("PERMISSION_DENIED"), want: refusedUs},
		"403 ours, API off":        {status: 403, body: detailed("PERMISSION_DENIED", reason("SERVICE_DISABLED")), want: refusedUs, says: "SERVICE_DISABLED: enable"},
		"403 of a proxy":           {status: 403, body: "<html>", want: foreign},
		"429 device":               {status: 429, body: coded("QUOTA_EXCEEDED", quota("device", "Device message rate exceeded")), retryAfter: "90", want: line.Answer{Fate: line.Again, Wait: 90 * time.Second}},
		"429 device, silent":       {status: 429, body: coded("QUOTA_EXCEEDED"), want: line.Answer{Fate: line.Again, Wait: time.Minute}},
		"429 device, its own word": {status: 429, body: coded("QUOTA_EXCEEDED"), retryAfter: "1", want: line.Answer{Fate: line.Again, Wait: time.Second}},
		"429 device, no code":      {status: 429, body: detailed("RESOURCE_EXHAUSTED", quota("device:1", "x")), want: line.Answer{Fate: line.Again, Wait: time.Minute}},
		"429 topic":                {status: 429, body: coded("QUOTA_EXCEEDED", quota("x", "Topic message rate exceeded")), want: line.Answer{Fate: line.Again, Wait: time.Minute}},
		"429 project's messages":   {status: 429, body: coded("QUOTA_EXCEEDED", quota("project_number:1", "Message rate exceeded")), retryAfter: "8", want: quotaDown(8 * time.Second)},
		"429 project":              {status: 429, body: detailed("RESOURCE_EXHAUSTED", reason("RATE_LIMIT_EXCEEDED")), retryAfter: "37", want: quotaDown(37 * time.Second), says: "RATE_LIMIT_EXCEEDED"},
		"429 of a proxy":           {status: 429, want: quotaDown(time.Minute), says: "proxy"},

		"500":                {status: 500, body: coded("INTERNAL"), want: sick()},
		"500 without reason": {status: 500, body: coded("UNSPECIFIED_ERROR"), want: sick()},
		"502 of a front end": {status: 502, body: "<html>", want: sick()},
		"503":                {status: 503, body: coded("UNAVAILABLE"), retryAfter: "7", want: sickFor(7 * time.Second)},
		"503 with a date":    {status: 503, retryAfter: "Tue, 24 Nov 2026 12:02:00 GMT", want: sickFor(2 * time.Minute)},
		"504":                {status: 504, want: sick()},
		"511 of a portal":    {status: 511, body: "<html>", want: foreign},
		"413":                {status: 413, want: foreign},
		"302":                {status: 302, want: foreign},
		"451":                {status: 451, body: "<html>", want: foreign},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := line.Exchange{Status: tt.status, Body: []byte(tt.body)}
			if tt.retryAfter != "" {
				x.Header = http.Header{"Retry-After": {tt.retryAfter}}
			}
			got := classify(x, now)
			if got.Code == "" || got.Err == nil || !got.Tried {
				t.Fatalf("answer is %+v", got)
			}
			if text := got.Err.Error(); strings.Contains(text, secretish) || !strings.Contains(text, tt.says) {
				t.Errorf("error is %q, want %q and nothing of the message", text, tt.says)
			}
			got.Code, got.Err, got.Tried = "", nil, false
			if !reflect.DeepEqual(got, tt.want) || !errors.Is(got.Doubt, tt.want.Doubt) {
				t.Errorf("answer is %+v, want %+v", got, tt.want)
			}
		})
	}
}

// foreign is the verdict on an answer that is not FCM's: it says nothing of the
// message and the token.
var foreign = line.Answer{Fate: line.Again, Scope: line.All, Innocent: true}

var (
	refusedUs    = line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true}
	platformDown = line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true}
)

func quotaDown(wait time.Duration) line.Answer {
	return line.Answer{Fate: line.Again, Scope: line.All, Wait: wait, Closed: true, Innocent: true}
}

func sick() line.Answer { return line.Answer{Fate: line.Again, Scope: line.All} }

// sickFor is so with a Retry-After.
func sickFor(wait time.Duration) line.Answer {
	return line.Answer{Fate: line.Again, Scope: line.All, Wait: wait, Firm: true}
}

// TestEveryStatusAndID: whatever status somebody else answers with, and whatever he says,
// nothing is accepted or refused for good, and no token is gone.
func TestEveryStatusAndID(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"no body":     "",
		"HTML":        "<!DOCTYPE html><title>registration token</title>",
		"cut JSON":    `{"error":{"status":"INVALID_ARGUMENT","details":[{"@type":"` + typeFCM + `","errorCode":"UNREGISTERED"`,
		"other JSON":  `{"status":"INVALID_ARGUMENT","error":"registration token","reason":"Unregistered"}`,
		"other error": `{"error":{"code":404,"message":"registration token","status":"no such route","details":["UNREGISTERED",{"reason":"Unregistered"}]}}`,
		"null":        "null",
		"list":        `[{"error":{"status":"UNAUTHENTICATED"}}]`,
	}
	for _, id := range []string{"", "7", "projects/p", "projects//messages/1", "/messages/1"} {
		bodies["the id "+id] = `{"name":"` + id + `"}`
	}
	for status := 100; status < 600; status++ {
		for name, body := range bodies {
			a := classify(line.Exchange{Status: status, Body: []byte(body)}, time.Now())
			if a.Fate != line.Again || a.Scope != line.All || a.Err == nil || a.Code == "" || !a.Tried {
				t.Errorf("status %d with %s: %+v", status, name, a)
			}
		}
	}
}

// TestAcceptedNeedsAnID: only FCM's own id shows that it has taken a message.
func TestAcceptedNeedsAnID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{goodID, "projects/p/messages/fake_message_id"} {
		body := []byte("{\n  \"name\": \"" + id + "\"\n}\n")
		if a := classify(line.Exchange{Status: 200, Body: body}, time.Now()); a.Fate != line.Accepted || a.Err != nil {
			t.Errorf("200 with the id %q: %+v", id, a)
		}
		for status := 201; status < 300; status++ {
			if a := classify(line.Exchange{Status: status, Body: body}, time.Now()); a.Fate == line.Accepted {
				t.Errorf("%d is accepted", status)
			}
		}
	}
}

// FuzzMessageID: what is read without a decoder is what encoding/json reads.
func FuzzMessageID(f *testing.F) {
	for _, body := range []string{
		`{"name":"` + goodID + `"}`, "{\n  \"name\": \"" + goodID + "\"\n}\n", `{"name":"a\u002fb"}`, `{"name":"a" }x`, `{"name":"a","name":"b"}`,
		`{"name":"a"`, `{"name":a"}`, `{"name":"a\"}`, "{\"name\":\"\xff\"}", "{\"name\":\"\n\"}", `{"Name":"a"}`, `"name":"a"}`, `{"name" : ""}`, "\v{\"name\":\"a\"}", ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want struct{ Name string }
		if json.Unmarshal(body, &want) != nil {
			want.Name = ""
		}
		if got := messageID(body); string(got) != want.Name {
			t.Errorf("%q: got %q, want %q", body, got, want.Name)
		}
	})
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	a := classify(line.Exchange{Err: errors.New("connection reset")}, time.Now())
	if a.Fate != line.Again || a.Scope != line.All || a.Innocent {
		t.Errorf("a broken connection is %+v", a)
	}
	if a = classify(line.Exchange{Err: errors.New("refused"), Unprocessed: true}, time.Now()); a.Fate != line.Again || a.Scope != line.All || a.Tried {
		t.Errorf("what FCM has not processed is %+v", a)
	}
}

func TestDescribeSaysAStatusOnce(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"http-500": "FCM answered 500", "not-known": "FCM answered 500 not-known"} {
		if got := (&refusal{Exchange: line.Exchange{Status: 500}}).describe(code, "").Error(); got != want {
			t.Errorf("describe(%s) = %q, want %q", code, got, want)
		}
	}
}
