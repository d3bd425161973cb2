package fcm

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	typeFCM   = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
	typeBad   = "type.googleapis.com/google.rpc.BadRequest"
	typeInfo  = "type.googleapis.com/google.rpc.ErrorInfo"
	secretish = "fcm-token-do-not-quote"
)

func coded(code string) string {
	return `{"error":{"message":"` + secretish + `","status":"X","details":[{"@type":"` + typeFCM + `","errorCode":"` + code + `"}]}}`
}

// TestClassify goes through every row of FCM's error reference.
func TestClassify(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		status     int
		body       string
		retryAfter string
		want       fate
		after      time.Duration
		outage     bool
	}{
		"200":                      {status: 200, want: accepted},
		"404 UNREGISTERED":         {status: 404, body: coded("UNREGISTERED"), want: gone},
		"404 without a code":       {status: 404, body: `{"error":{"status":"NOT_FOUND"}}`, want: again},
		"404 of a proxy":           {status: 404, body: "<html>", want: again},
		"400 token":                {status: 400, body: `{"error":{"message":"The registration token is not a valid FCM registration token","details":[{"@type":"` + typeFCM + `","errorCode":"INVALID_ARGUMENT"}]}}`, want: gone},
		"400 token field":          {status: 400, body: `{"error":{"message":"x","details":[{"@type":"` + typeBad + `","fieldViolations":[{"field":"message.token"}]}]}}`, want: gone},
		"400 payload field":        {status: 400, body: `{"error":{"message":"bad registration token?","details":[{"@type":"` + typeBad + `","fieldViolations":[{"field":"message.data[0].value"}]}]}}`, want: rejected},
		"400 code only":            {status: 400, body: coded("INVALID_ARGUMENT"), want: rejected},
		"401 ours":                 {status: 401, body: `{"error":{"status":"UNAUTHENTICATED"}}`, want: badCredentials},
		"401 third party":          {status: 401, body: coded("THIRD_PARTY_AUTH_ERROR"), want: badPlatform, after: platformWait},
		"403 sender":               {status: 403, body: coded("SENDER_ID_MISMATCH"), want: gone},
		"403 ours":                 {status: 403, body: `{"error":{"status":"PERMISSION_DENIED"}}`, want: badCredentials},
		"429 device":               {status: 429, body: coded("QUOTA_EXCEEDED"), retryAfter: "90", want: slowDevice, after: 90 * time.Second},
		"429 device, silent":       {status: 429, body: coded("QUOTA_EXCEEDED"), want: slowDevice, after: time.Minute},
		"429 device, its own word": {status: 429, body: coded("QUOTA_EXCEEDED"), retryAfter: "1", want: slowDevice, after: time.Second},
		"429 project":              {status: 429, body: `{"error":{"details":[{"@type":"` + typeInfo + `","reason":"RATE_LIMIT_EXCEEDED"}]}}`, retryAfter: "37", want: slowProject, after: 37 * time.Second},
		"429 project, silent":      {status: 429, want: slowProject, after: time.Minute},
		"500":                      {status: 500, body: coded("INTERNAL"), want: again, outage: true},
		"502 of a front end":       {status: 502, body: "<html>", want: again, outage: true},
		"503":                      {status: 503, body: coded("UNAVAILABLE"), retryAfter: "7", want: again, after: 7 * time.Second, outage: true},
		"503 with a date":          {status: 503, retryAfter: "Tue, 24 Nov 2026 12:02:00 GMT", want: again, after: 2 * time.Minute, outage: true},
		"504":                      {status: 504, want: again, outage: true},
		"413":                      {status: 413, want: rejected},
		"302":                      {status: 302, want: again},
		"408":                      {status: 408, want: again},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &exchange{status: tt.status, header: http.Header{}, body: []byte(tt.body)}
			if tt.retryAfter != "" {
				x.header.Set("Retry-After", tt.retryAfter)
			}
			var sdk error
			if tt.status != 200 {
				sdk = errors.New("the SDK saw 599")
			}
			got := classify(x, sdk, now)
			if got.fate != tt.want || got.after != tt.after || got.outage != tt.outage {
				t.Errorf("fate %d, after %v, outage %v; want %d, %v, %v", got.fate, got.after, got.outage, tt.want, tt.after, tt.outage)
			}
			if (got.err == nil) != (tt.want == accepted) {
				t.Errorf("error is %v", got.err)
			}
			if got.err != nil && strings.Contains(got.err.Error(), secretish) {
				t.Errorf("error quotes the answer: %v", got.err)
			}
		})
	}
}

// TestEveryStatus: no status is forgotten, and none but 200 is a success.
func TestEveryStatus(t *testing.T) {
	t.Parallel()
	for status := 100; status < 600; status++ {
		if status == http.StatusOK {
			continue
		}
		a := classify(&exchange{status: status, header: http.Header{}}, errors.New("hidden"), time.Now())
		if a.fate == 0 || a.fate == accepted || a.fate == gone || a.err == nil || a.code == "" {
			t.Errorf("status %d without a body: %+v", status, a)
		}
		if (status >= 500) != a.outage {
			t.Errorf("status %d: outage is %v", status, a.outage)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	a := classify(&exchange{err: errors.New("connection reset")}, errors.New("hidden"), time.Now())
	if a.fate != again || !a.outage {
		t.Errorf("a broken connection is %+v", a)
	}
	a = classify(&exchange{}, errors.New("exactly one of token, topic or condition must be specified"), time.Now())
	if a.fate != rejected {
		t.Errorf("a message that the SDK refuses is %+v", a)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "5", "-5", "999999999999", "Tue, 24 Nov 2026 12:02:00 GMT", "soon"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		if d := retryAfter(header, now); d < 0 || d > maxRetryAfter {
			t.Errorf("%q gives %v", header, d)
		}
	})
}

func TestDescribeSaysAStatusOnce(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"http-500": "FCM answered 500", "not-known": "FCM answered 500 not-known"} {
		if got := describe(500, code, &fcmError{}).Error(); got != want {
			t.Errorf("describe(500, %s) = %q, want %q", code, got, want)
		}
	}
}
