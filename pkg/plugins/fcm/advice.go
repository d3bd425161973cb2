package fcm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// maxFields is how many fields of a refused message an error names.
const maxFields = 5

// plainName is what an error may quote of an answer: the name of a field or of a
// reason. All else may hold a token or content.
var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.\[\]]{0,79}$`)

// describe words an answer that accepts nothing, and says what to do about it.
func (r *refusal) describe(code string) error {
	text := fmt.Sprintf("FCM answered %d", r.Status)
	if code != line.HTTPCode(r.Status) {
		text += " " + code
	}
	if fields := quotable(r.fields()); len(fields) > 0 {
		text += " for " + strings.Join(fields[:min(maxFields, len(fields))], ", ")
	}
	if apple := r.apple(); apple.Type != "" {
		text += strings.TrimRight(fmt.Sprintf(", Apple %d %s", apple.StatusCode, strings.Join(quotable([]string{apple.Reason}), "")), " ")
	}
	if info := quotable([]string{r.info()}); len(info) > 0 {
		text += ", " + info[0]
	}
	if hint := r.hint(code); hint != "" {
		text += ": " + hint
	}
	return errors.New(text)
}

func quotable(names []string) []string {
	var plain []string
	for _, name := range names {
		if plainName.MatchString(name) {
			plain = append(plain, name)
		}
	}
	return plain
}

// hint is what the operator does about an answer; empty when there is nothing.
func (r *refusal) hint(code string) string {
	if hint := appleHint(r.apple().Reason); hint != "" {
		return hint
	}
	if hint := googleHint(r.info()); hint != "" {
		return hint
	}
	switch code {
	case "unauthenticated":
		return "replace the service account's key in credentials or credentials_file"
	case "permission-denied":
		return "enable the Firebase Cloud Messaging API and give the service account the role Firebase Cloud Messaging API Admin"
	case "third-party-auth":
		return "upload a valid APNs key or Web Push certificate in the Firebase console"
	case "sender-mismatch":
		return "the token belongs to another Firebase project"
	case "quota-project":
		return "the project's quota is used up; ask Google for more if this happens often"
	case "not-found":
		return "check project_id and endpoint"
	case "no-message-id":
		return "it does not say that it has accepted the message: check endpoint and the proxy"
	case "invalid-argument":
		return fieldHint(r.fields())
	case line.HTTPCode(r.Status):
		if !r.IsFrontEnd() {
			return "FCM does not give this answer: check endpoint and the proxy"
		}
	}
	return ""
}

// fieldHint says where a refused field comes from.
func fieldHint(fields []string) string {
	for _, field := range fields {
		for _, section := range []string{"android", "apns", "webpush"} {
			if strings.HasPrefix(field, "message."+section) {
				return "check the " + section + " section of the handler's config"
			}
		}
		switch {
		case strings.HasPrefix(field, "message.data"), strings.HasPrefix(field, "message.notification"):
			return "check what the chat server has sent; pushworker route shows the message"
		case strings.HasPrefix(field, "message.topic"):
			return "check the channel's name"
		}
	}
	return "check the platform sections of the handler's config; pushworker route shows the message"
}

// googleHint is about the reasons of Google's front end.
func googleHint(reason string) string {
	switch reason {
	case "SERVICE_DISABLED":
		return "enable the Firebase Cloud Messaging API of the project"
	case "IAM_PERMISSION_DENIED":
		return "enable the Firebase Cloud Messaging API and give the service account the role Firebase Cloud Messaging API Admin"
	case "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
		return "the access token lacks the scope firebase.messaging: check token_uri in the service account's key"
	case "CONSUMER_INVALID", "CONSUMER_SUSPENDED", "RESOURCE_PROJECT_INVALID":
		return "check project_id and the state of the project in the Google Cloud console"
	case "BILLING_DISABLED":
		return "enable billing for the project in the Google Cloud console"
	}
	return ""
}

// appleHint is about Apple's reasons.
func appleHint(reason string) string {
	switch reason {
	case "BadEnvironmentKeyInToken", "BadEnvironmentKeyIdInToken", "BadCertificateEnvironment":
		return "upload an APNs key for this environment in the Firebase console; a development build needs one for development"
	case "BadCertificate", "ExpiredProviderToken", "Forbidden", "InvalidProviderToken", "MissingProviderToken", "UnrelatedKeyIdInToken":
		return "upload a valid APNs key in the Firebase console, with its key id and team id"
	case "BadDeviceToken":
		return "the device's APNs token is not valid, or is one of a development build"
	case "DeviceTokenNotForTopic", "BadTopic", "MissingTopic", "TopicDisallowed":
		return "check the app's bundle id in the Firebase console, and apns_bundle_id"
	case "PayloadTooLarge", "PayloadEmpty":
		return "check the apns section of the handler's config; pushworker route shows the message"
	case "BadCollapseId", "BadExpirationDate", "BadMessageId", "BadPriority", "DuplicateHeaders", "InvalidPushType":
		return "the headers of the apns section are not valid; pushworker route shows the message"
	}
	return ""
}
