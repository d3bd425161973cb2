package fcm

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// The types of the details that FCM sends; they end so.
const (
	detailFCM   = "fcm.v1.FcmError"
	detailApple = "fcm.v1.ApnsError"
	detailInfo  = "rpc.ErrorInfo"
)

// refusal is an answer that accepts nothing. As far as it is FCM's it is a
// google.rpc.Status with details, some of them what others have said to FCM.
type refusal struct {
	line.Exchange
	message string
	state   string // Google's name of the status
	details []detail
}

// detail is any of the details, which have no field in common but their type.
type detail struct {
	Type            string `json:"@type"`
	ErrorCode       string `json:"errorCode"`  // FcmError
	StatusCode      int    `json:"statusCode"` // ApnsError
	Reason          string `json:"reason"`     // ApnsError, ErrorInfo
	FieldViolations []struct {
		Field string `json:"field"`
	} `json:"fieldViolations"` // BadRequest
	Violations []struct {
		Subject     string `json:"subject"`
		Description string `json:"description"`
	} `json:"violations"` // QuotaFailure
}

// readRefusal reads as much of an answer as is FCM's; of a proxy's page that is
// nothing.
func readRefusal(x line.Exchange) *refusal {
	var text struct {
		Error struct {
			Message string   `json:"message"`
			Status  string   `json:"status"`
			Details []detail `json:"details"`
		} `json:"error"`
	}
	_ = json.Unmarshal(x.Body, &text) // what has another form is left out
	return &refusal{Exchange: x, message: text.Error.Message, state: text.Error.Status, details: text.Error.Details}
}

// detail is the first detail of a type; the zero one if there is none.
func (r *refusal) detail(kind string) detail {
	i := slices.IndexFunc(r.details, func(d detail) bool { return strings.HasSuffix(d.Type, kind) })
	if i < 0 {
		return detail{}
	}
	return r.details[i]
}

// code is FCM's own error code, or empty.
func (r *refusal) code() string {
	if code := r.detail(detailFCM).ErrorCode; code != "UNSPECIFIED_ERROR" {
		return code
	}
	return ""
}

// apple is what Apple has said to FCM; the zero detail if it was not asked.
func (r *refusal) apple() detail { return r.detail(detailApple) }

// info is the reason of Google's front end, or empty.
func (r *refusal) info() string { return r.detail(detailInfo).Reason }

// name is what FCM's error reference calls the answer: its HTTP status, and FCM's
// code or else Google's name of the status.
func (r *refusal) name() string {
	name := r.code()
	if name == "" {
		name = r.state
	}
	return strconv.Itoa(r.Status) + " " + name
}

// fields are the fields that FCM complains about, each once.
func (r *refusal) fields() []string {
	var all []string
	for _, d := range r.details {
		for _, v := range d.FieldViolations {
			if v.Field != "" && !slices.Contains(all, v.Field) {
				all = append(all, v.Field)
			}
		}
	}
	return all
}

// quotas is what FCM says of the quotas that are used up, in lower case.
func (r *refusal) quotas() string {
	var text strings.Builder
	for _, d := range r.details {
		for _, v := range d.Violations {
			text.WriteString(strings.ToLower(v.Subject + " " + v.Description + " "))
		}
	}
	return text.String()
}
