package fcm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
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
	a := refused.verdict()
	a.Tried, a.Err = true, refused.describe(a.Code)
	if a.Fate == line.Again {
		a.Wait = cmp.Or(x.RetryAfter(now), a.Wait)
	}
	return a
}

// messageID is what an answer says of a message that was accepted.
func messageID(body []byte) string {
	var accepted struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(body, &accepted); err != nil {
		return ""
	}
	return accepted.Name
}

// isMessageID reports whether FCM has given a message this id, which is its proof
// that it has accepted it.
func isMessageID(id string) bool {
	project, message, ok := strings.Cut(strings.TrimPrefix(id, "projects/"), "/messages/")
	return ok && project != "" && message != "" && strings.HasPrefix(id, "projects/")
}

// verdict is what a refusal means. Of several verdicts the innermost counts: FCM
// passes on what Apple has said.
func (r *refusal) verdict() line.Answer {
	if a, ok := appleVerdict(r.apple().Reason); ok {
		return a
	}
	switch r.name() {
	case "400 INVALID_ARGUMENT":
		return r.badRequest()
	case "401 THIRD_PARTY_AUTH_ERROR", "401 APNS_AUTH_ERROR":
		return badPlatform("third-party-auth")
	case "401 UNAUTHENTICATED":
		return line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: "unauthenticated"}
	case "403 SENDER_ID_MISMATCH":
		return line.Answer{Fate: line.Gone, Scope: line.All, Doubt: errAlien, Code: "sender-mismatch"}
	case "403 PERMISSION_DENIED":
		return line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: "permission-denied"}
	case "404 UNREGISTERED":
		return line.Answer{Fate: line.Gone, Code: "unregistered"}
	case "429 QUOTA_EXCEEDED", "429 RESOURCE_EXHAUSTED":
		return r.quota()
	}
	if r.IsFrontEnd() {
		return line.Answer{Fate: line.Again, Scope: line.All, Code: line.HTTPCode(r.Status)}
	}
	a := r.Unknown()
	switch r.Status {
	case http.StatusOK:
		a.Code = "no-message-id"
	case http.StatusNotFound:
		a.Code = "not-found"
	}
	return a
}

// badRequest tells a bad token from a bad message. In doubt the message is at
// fault: a token that is kept costs one letter, one removed by mistake a user.
func (r *refusal) badRequest() line.Answer {
	fields := r.fields()
	for _, field := range fields {
		if field != "message.token" {
			return line.Answer{Fate: line.Rejected, Code: "invalid-argument"}
		}
	}
	if len(fields) > 0 || strings.Contains(r.message, "registration token") {
		return line.Answer{Fate: line.Gone, Code: "invalid-token"}
	}
	return line.Answer{Fate: line.Rejected, Code: "invalid-argument"}
}

// quota tells whose quota is used up. FCM's own code is for the target's, unless
// its details speak of the project.
func (r *refusal) quota() line.Answer {
	device := line.Answer{Fate: line.Again, Wait: line.QuotaWait, Code: line.CodeOwnQuota}
	project := line.Answer{Fate: line.Again, Scope: line.All, Wait: line.QuotaWait, Closed: true, Innocent: true, Code: line.CodeQuota + "-project"}
	switch text := r.quotas(); {
	case strings.Contains(text, "device"), strings.Contains(text, "topic"):
		return device
	case strings.Contains(text, "project"), r.code() != "QUOTA_EXCEEDED":
		return project
	}
	return device
}

// badPlatform is the verdict that FCM is refused by what it reaches the platform
// through.
func badPlatform(code string) line.Answer {
	return line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true, Code: code}
}

// appleVerdict is what Apple's own reason means, if it is one that says more than
// FCM does.
func appleVerdict(reason string) (line.Answer, bool) {
	switch reason {
	case "Unregistered", "ExpiredToken":
		return line.Answer{Fate: line.Gone, Code: "unregistered"}, true
	case "BadDeviceToken", "DeviceTokenNotForTopic":
		return line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errApple, Code: "apns-bad-token"}, true
	case "BadCollapseId", "BadExpirationDate", "BadMessageId", "BadPriority", "DuplicateHeaders",
		"InvalidPushType", "PayloadEmpty", "PayloadTooLarge":
		return line.Answer{Fate: line.Rejected, Code: "apns-invalid"}, true
	case "BadTopic", "MissingTopic", "TopicDisallowed":
		return badPlatform("apns-topic"), true
	case "BadCertificate", "BadCertificateEnvironment", "BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken",
		"ExpiredProviderToken", "Forbidden", "InvalidProviderToken", "MissingProviderToken",
		"TooManyProviderTokenUpdates", "UnrelatedKeyIdInToken":
		return badPlatform("third-party-auth"), true
	case "TooManyRequests":
		return line.Answer{Fate: line.Again, Wait: line.QuotaWait, Code: line.CodeOwnQuota}, true
	case "InternalServerError", "ServiceUnavailable", "Shutdown":
		return line.Answer{Fate: line.Again, Scope: line.OfGroup, Code: "apns-unavailable"}, true
	}
	return line.Answer{}, false
}
