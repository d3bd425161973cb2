package fcm

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// fate is what an answer means for its target, or for more than that.
type fate uint8

const (
	accepted fate = iota + 1
	// gone: the token is dead and is to be removed.
	gone
	// rejected: this message will never be accepted.
	rejected
	// again: a transient failure of this target.
	again
	// slowDevice: this device gets too much; only it is to wait.
	slowDevice
	// slowProject: the project's quota is used up; everything waits.
	slowProject
	// badCredentials: FCM refuses ours; nothing can be sent.
	badCredentials
	// badPlatform: FCM's own access to APNs or Web Push is broken; only targets of
	// that platform fail.
	badPlatform
)

const (
	// quotaWait is the delay after a 429 that names none (FCM's documentation: "retry
	// after at least one minute").
	quotaWait = time.Minute
	// maxRetryAfter bounds what an answer may ask for.
	maxRetryAfter = time.Hour
)

// answer is a classified exchange.
type answer struct {
	fate fate
	// after is how long the provider asked to wait; 0 if it did not.
	after time.Duration
	// outage says that it counts as a sign of an outage.
	outage bool
	// tried says that FCM was asked, so that it is an attempt of the target's.
	tried bool
	// code is a short word for events and metrics.
	code string
	err  error
}

// fcmError is the body of a refusal (google.rpc.Status with FCM's details).
type fcmError struct {
	Error struct {
		Message string `json:"message"`
		Status  string `json:"status"`
		Details []struct {
			Type            string `json:"@type"`
			ErrorCode       string `json:"errorCode"`
			Reason          string `json:"reason"`
			FieldViolations []struct {
				Field string `json:"field"`
			} `json:"fieldViolations"`
		} `json:"details"`
	} `json:"error"`
}

// classify says what an exchange means, by the table in FCM's error reference and
// by the status where FCM gives no code. sdk is the SDK's own error.
func classify(x *exchange, sdk error, now time.Time) answer {
	switch {
	case x.err != nil:
		return answer{fate: again, outage: true, tried: true, code: "network", err: fmt.Errorf("no answer from FCM: %w", x.err)}
	case x.status == 0 && sdk != nil: // nothing was sent
		return answer{fate: rejected, code: "invalid-message", err: fmt.Errorf("message is not valid: %w", sdk)}
	case x.status == http.StatusOK && sdk == nil:
		return answer{fate: accepted, tried: true, code: "accepted"}
	case x.status == http.StatusOK:
		return answer{fate: again, outage: true, tried: true, code: "answer", err: fmt.Errorf("answer of FCM cannot be read: %w", sdk)}
	}
	var body fcmError
	_ = json.Unmarshal(x.body, &body) // HTML of a front end has no code, and the status suffices
	a := refusal(x.status, &body)
	a.tried, a.after, a.err = true, retryAfter(x.header.Get("Retry-After"), now), describe(x.status, a.code, &body)
	switch a.fate {
	case slowDevice, slowProject:
		a.after = cmp.Or(a.after, quotaWait)
	case badPlatform:
		a.after, a.tried = platformWait, false // the target has done nothing
	case accepted, gone, rejected, again, badCredentials:
	}
	return a
}

func refusal(status int, body *fcmError) answer {
	code := body.code()
	switch status {
	case http.StatusBadRequest:
		return badRequest(body)
	case http.StatusUnauthorized:
		if code == "THIRD_PARTY_AUTH_ERROR" {
			return answer{fate: badPlatform, code: "third-party-auth"}
		}
		return answer{fate: badCredentials, code: "unauthenticated"}
	case http.StatusForbidden:
		if code == "SENDER_ID_MISMATCH" {
			return answer{fate: gone, code: "sender-mismatch"}
		}
		return answer{fate: badCredentials, code: "permission-denied"}
	case http.StatusNotFound:
		if code == "UNREGISTERED" {
			return answer{fate: gone, code: "unregistered"}
		}
		return answer{fate: again, code: "not-found"}
	case http.StatusTooManyRequests:
		if code == "QUOTA_EXCEEDED" {
			return answer{fate: slowDevice, code: "quota-device"}
		}
		return answer{fate: slowProject, code: "quota-project"}
	case http.StatusRequestTimeout:
		return answer{fate: again, code: "timeout"}
	}
	if status >= 400 && status < 500 {
		return answer{fate: rejected, code: httpCode(status)}
	}
	return answer{fate: again, outage: status >= 500, code: httpCode(status)}
}

// httpCode is the code of a refusal of which nothing is known but the status.
func httpCode(status int) string { return "http-" + strconv.Itoa(status) }

// badRequest tells a bad token from a bad message. In doubt the message is at
// fault: a token that is kept costs one letter, one removed by mistake a user.
func badRequest(body *fcmError) answer {
	switch body.field() {
	case "":
	case "message.token":
		return answer{fate: gone, code: "invalid-token"}
	default:
		return answer{fate: rejected, code: "invalid-argument"}
	}
	if strings.Contains(body.Error.Message, "registration token") {
		return answer{fate: gone, code: "invalid-token"}
	}
	return answer{fate: rejected, code: "invalid-argument"}
}

// code is FCM's own error code, or empty.
func (b *fcmError) code() string {
	for _, d := range b.Error.Details {
		if strings.HasSuffix(d.Type, "fcm.v1.FcmError") {
			return d.ErrorCode
		}
	}
	return ""
}

// field is the first field that FCM complains about, or empty.
func (b *fcmError) field() string {
	for _, d := range b.Error.Details {
		if len(d.FieldViolations) > 0 {
			return d.FieldViolations[0].Field
		}
	}
	return ""
}

// describe words a refusal and what to do about it. FCM's own message may quote
// the payload, so it is left out.
func describe(status int, code string, body *fcmError) error {
	text := fmt.Sprintf("FCM answered %d", status)
	if code != httpCode(status) {
		text += " " + code
	}
	if field := body.field(); field != "" {
		text += " for " + field
	}
	if hint := hintFor(code); hint != "" {
		text += ": " + hint
	}
	return errors.New(text)
}

func hintFor(code string) string {
	switch code {
	case "unauthenticated":
		return "replace the service account's key in credentials or credentials_file"
	case "permission-denied":
		return "enable the Firebase Cloud Messaging API and give the service account the role Firebase Cloud Messaging API Admin"
	case "third-party-auth":
		return "upload a valid APNs key or Web Push certificate in the Firebase console"
	case "quota-project":
		return "the project's quota is used up; ask Google for more if this happens often"
	case "not-found":
		return "check project_id and endpoint"
	case "invalid-argument":
		return "check the platform sections of the handler's config"
	}
	return ""
}

// retryAfter reads the header's two forms, seconds and HTTP date (RFC 9110,
// section 10.2.3), and bounds it by an hour; 0 when there is none.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(max(time.Duration(min(seconds, int(maxRetryAfter/time.Second)))*time.Second, 0), maxRetryAfter)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
