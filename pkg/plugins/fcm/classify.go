package fcm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// What the matter is if too many tokens are gone for a reason that may be ours.
var (
	errAlien = fmt.Errorf("FCM reports for %d devices in a row that they belong to another project, and accepts none: "+
		"check that credentials and project_id are those of the project that the apps use, and with several fcm handlers that \"apps\" of each lists its own; no more devices are removed until one is ours", line.EnoughDoubts)
	errApple = fmt.Errorf("Apple refuses the tokens of %d devices in a row and accepts none: "+ //nolint:staticcheck // a name
		"check the APNs key and the app's bundle id in the Firebase console, and apns_bundle_id; no more devices are removed until one is accepted", line.EnoughDoubts)
)

// classify says what an exchange means, by the table in FCM's error reference. What
// is not in it is not FCM's answer.
func classify(x line.Exchange, now time.Time) line.Answer {
	switch {
	case x.Err != nil:
		return x.NoAnswer()
	case x.Status == http.StatusOK && isMessageID(messageID(x.Body)):
		return line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
	}
	refused := readRefusal(x)
	a, hint := refused.verdict()
	a.Tried, a.Err = true, refused.describe(a.Code, hint)
	if a.Fate == line.Again {
		a = x.Heed(a, now)
	}
	return a
}

// messageID is what an answer says of a message that was accepted. FCM's own form is
// read as it is, and any other as JSON.
func messageID(body []byte) []byte {
	rest, plain := body, true
	for _, next := range []string{"{", `"name"`, ":", `"`} {
		if rest, plain = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(next)); !plain {
			break
		}
	}
	id, end, _ := bytes.Cut(rest, []byte{'"'})
	if plain && string(bytes.Trim(end, " \t\r\n")) == "}" && bytes.IndexFunc(id, isOdd) < 0 {
		return id
	}
	var accepted struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(body, &accepted); err != nil {
		return nil
	}
	return []byte(accepted.Name)
}

// isOdd reports whether c may mean something else in a string of JSON.
func isOdd(c rune) bool { return c < ' ' || c > '~' || c == '\\' }

// isMessageID reports whether FCM has given a message this id, which is its proof
// that it has accepted it.
func isMessageID(id []byte) bool {
	rest, ours := bytes.CutPrefix(id, []byte("projects/"))
	project, message, ok := bytes.Cut(rest, []byte("/messages/"))
	return ours && ok && len(project) > 0 && len(message) > 0
}

// verdict is what a refusal means, and what the operator does about it; "" when there is
// nothing. Of several verdicts the innermost counts: FCM passes on what Apple has said.
func (r *refusal) verdict() (a line.Answer, hint string) {
	if a, hint = appleVerdict(r.apple().Reason); a.Fate != 0 {
		return a, hint
	}
	a, hint = r.fcmVerdict()
	return a, cmp.Or(googleHint(r.info()), hint)
}

func (r *refusal) fcmVerdict() (a line.Answer, hint string) {
	switch r.name() {
	case "400 INVALID_ARGUMENT":
		return r.badRequest()
	case "401 THIRD_PARTY_AUTH_ERROR", "401 APNS_AUTH_ERROR":
		return badPlatform("third-party-auth"), "upload a valid APNs key or Web Push certificate in the Firebase console"
	case "401 UNAUTHENTICATED":
		return refuseUs("unauthenticated"), "replace the service account's key in credentials or credentials_file"
	case "403 SENDER_ID_MISMATCH":
		return line.Answer{Fate: line.Gone, Scope: line.All, Doubt: errAlien, Code: "sender-mismatch"}, "the token belongs to another Firebase project"
	case "403 PERMISSION_DENIED":
		return refuseUs("permission-denied"), roleHint
	case "404 UNREGISTERED":
		return line.Answer{Fate: line.Gone, Code: "unregistered"}, ""
	case "429 QUOTA_EXCEEDED", "429 RESOURCE_EXHAUSTED":
		return r.quota()
	}
	if r.IsFrontEnd() {
		return line.Answer{Fate: line.Again, Scope: line.All, Code: line.HTTPCode(r.Status)}, ""
	}
	a, hint = r.Unknown(), "FCM does not give this answer: check endpoint and the proxy"
	switch r.Status {
	case http.StatusOK:
		a.Code, hint = "no-message-id", "it does not say that it has accepted the message: check endpoint and the proxy"
	case http.StatusNotFound:
		a.Code, hint = "not-found", "check project_id and endpoint"
	}
	return a, hint
}

// badRequest tells a bad token from a bad message. In doubt the message is at
// fault: a token that is kept costs one letter, one removed by mistake a user.
func (r *refusal) badRequest() (a line.Answer, hint string) {
	fields := r.fields()
	if slices.ContainsFunc(fields, func(field string) bool { return field != "message.token" }) ||
		len(fields) == 0 && !strings.Contains(r.message, "registration token") {
		return line.Answer{Fate: line.Rejected, Code: "invalid-argument"}, fieldHint(fields)
	}
	return line.Answer{Fate: line.Gone, Code: "invalid-token"}, ""
}

// quota tells whose quota is used up. FCM's own code is for the target's, unless
// its details speak of the project.
func (r *refusal) quota() (a line.Answer, hint string) {
	text := r.quotas()
	ofProject := strings.Contains(text, "project") || r.code() != "QUOTA_EXCEEDED"
	if !ofProject || strings.Contains(text, "device") || strings.Contains(text, "topic") {
		return line.Answer{Fate: line.Again, Wait: line.QuotaWait, Code: line.CodeOwnQuota}, ""
	}
	a = refuseUs(line.CodeQuota + "-project")
	a.Wait = line.QuotaWait
	return a, "the project's quota is used up; ask Google for more if this happens often"
}

// refuseUs is the verdict that FCM does not let us in.
func refuseUs(code string) line.Answer {
	return line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: code}
}

// badPlatform is the verdict that FCM is refused by what it reaches the platform
// through.
func badPlatform(code string) line.Answer {
	return line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true, Code: code}
}

// appleVerdict is what Apple's own reason means, and what to do about it, if it is one
// that says more than FCM does.
func appleVerdict(reason string) (a line.Answer, hint string) {
	const (
		key    = "third-party-auth"
		bundle = "check the app's bundle id in the Firebase console, and apns_bundle_id"
	)
	badToken := line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errApple, Code: "apns-bad-token"}
	invalid := line.Answer{Fate: line.Rejected, Code: "apns-invalid"}
	switch reason {
	case "Unregistered", "ExpiredToken":
		return line.Answer{Fate: line.Gone, Code: "unregistered"}, ""
	case "BadDeviceToken":
		return badToken, "the device's APNs token is not valid, or is one of a development build"
	case "DeviceTokenNotForTopic":
		return badToken, bundle
	case "PayloadEmpty", "PayloadTooLarge":
		return invalid, "check the apns section of the handler's config; pushworker route shows the message"
	case "BadCollapseId", "BadExpirationDate", "BadMessageId", "BadPriority", "DuplicateHeaders", "InvalidPushType":
		return invalid, "the headers of the apns section are not valid; pushworker route shows the message"
	case "BadTopic", "MissingTopic", "TopicDisallowed":
		return badPlatform("apns-topic"), bundle
	case "BadCertificateEnvironment", "BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken":
		return badPlatform(key), "upload an APNs key for this environment in the Firebase console; a development build needs one for development"
	case "BadCertificate", "ExpiredProviderToken", "Forbidden", "InvalidProviderToken", "MissingProviderToken", "TooManyProviderTokenUpdates", "UnrelatedKeyIdInToken":
		return badPlatform(key), "upload a valid APNs key in the Firebase console, with its key id and team id"
	case "TooManyRequests":
		return line.Answer{Fate: line.Again, Wait: line.QuotaWait, Code: line.CodeOwnQuota}, ""
	case "InternalServerError", "ServiceUnavailable", "Shutdown":
		return line.Answer{Fate: line.Again, Scope: line.OfGroup, Code: "apns-unavailable"}, ""
	}
	return line.Answer{}, ""
}
