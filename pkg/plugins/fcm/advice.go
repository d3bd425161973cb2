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
func (r *refusal) describe(code, hint string) error {
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
	if hint != "" {
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

const roleHint = "enable the Firebase Cloud Messaging API and give the service account the role Firebase Cloud Messaging API Admin"

// googleHint is about the reasons of Google's front end.
func googleHint(reason string) string {
	switch reason {
	case "SERVICE_DISABLED":
		return "enable the Firebase Cloud Messaging API of the project"
	case "IAM_PERMISSION_DENIED":
		return roleHint
	case "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
		return "the access token lacks the scope firebase.messaging: check token_uri in the service account's key"
	case "CONSUMER_INVALID", "CONSUMER_SUSPENDED", "RESOURCE_PROJECT_INVALID":
		return "check project_id and the state of the project in the Google Cloud console"
	case "BILLING_DISABLED":
		return "enable billing for the project in the Google Cloud console"
	}
	return ""
}
