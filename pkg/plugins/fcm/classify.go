package fcm

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// fate is what an answer means for its target's message.
type fate uint8

const (
	accepted fate = iota + 1
	// gone: the token is dead and is to be removed.
	gone
	// rejected: this message will never be accepted.
	rejected
	// again: it can be sent later.
	again
)

// scope is whom an answer concerns.
type scope uint8

const (
	one   scope = iota // the target
	group              // all devices of its platform
	all                // everybody
)

const (
	// quotaWait is the delay after a 429 that names none (FCM's documentation: "retry
	// after at least one minute").
	quotaWait = time.Minute
	// maxRetryAfter bounds what an answer may ask for.
	maxRetryAfter = time.Hour
)

// quotaDevice is the code of an answer that a target gets too much.
const quotaDevice = "quota-device"

// answer is a classified exchange. What classify says of its scope is a claim: it
// holds once there is [evidence].
type answer struct {
	fate  fate
	scope scope
	// wait is how long nobody of the scope is to be asked; 0 if that is not known.
	wait time.Duration
	// closed says that FCM refuses us, rather than that it is down.
	closed bool
	// silent says that there was no answer in time.
	silent bool
	// innocent says that the target had no part in it, so that it is no attempt of
	// the target's unless others are accepted beside it.
	innocent bool
	// doubtful says of a token that is gone that the fault may be ours: if too many
	// are, the answer concerns the scope.
	doubtful bool
	// tried says that FCM was asked, so that it is an attempt of the target's.
	tried bool
	// code is a short word for events and metrics.
	code string
	err  error
}

// classify says what an exchange means, by the table in FCM's error reference. What
// is not in it is not FCM's answer. id is the message id that the SDK has found in
// the answer, and sdk its own error.
func classify(x *exchange, id string, sdk error, now time.Time) answer {
	switch {
	case x.err != nil:
		return answer{
			fate: again, scope: all, tried: true,
			code: "network", err: fmt.Errorf("no answer from FCM: %w", x.err),
		}
	case x.status == 0 && sdk != nil: // nothing was sent
		return answer{fate: rejected, code: "invalid-message", err: fmt.Errorf("message is not valid: %w", sdk)}
	case x.status == http.StatusOK && sdk == nil && isMessageID(id):
		return answer{fate: accepted, tried: true, code: "accepted"}
	}
	body := readRefusal(x.status, x.body)
	a := body.verdict()
	a.tried, a.err = true, body.describe(a.code)
	if a.fate == again {
		a.wait = cmp.Or(retryAfter(x.header.Get("Retry-After"), now), a.wait)
	}
	return a
}

// isMessageID reports whether FCM has given a message this id, which is its proof
// that it has accepted it.
func isMessageID(id string) bool {
	project, message, ok := strings.Cut(strings.TrimPrefix(id, "projects/"), "/messages/")
	return ok && project != "" && message != "" && strings.HasPrefix(id, "projects/")
}

// verdict is what a refusal means. Of several verdicts the innermost counts: FCM
// passes on what Apple has said.
func (r *refusal) verdict() answer {
	if a, ok := appleVerdict(r.apple().Reason); ok {
		return a
	}
	switch r.name() {
	case "400 INVALID_ARGUMENT":
		return r.badRequest()
	case "401 THIRD_PARTY_AUTH_ERROR", "401 APNS_AUTH_ERROR":
		return badPlatform("third-party-auth")
	case "401 UNAUTHENTICATED":
		return answer{fate: again, scope: all, closed: true, innocent: true, code: "unauthenticated"}
	case "403 SENDER_ID_MISMATCH":
		return answer{fate: gone, scope: all, doubtful: true, code: "sender-mismatch"}
	case "403 PERMISSION_DENIED":
		return answer{fate: again, scope: all, closed: true, innocent: true, code: "permission-denied"}
	case "404 UNREGISTERED":
		return answer{fate: gone, code: "unregistered"}
	case "429 QUOTA_EXCEEDED", "429 RESOURCE_EXHAUSTED":
		return r.quota()
	}
	if r.isFrontEnd() {
		return answer{fate: again, scope: all, code: httpCode(r.status)}
	}
	return r.unknown()
}

// isFrontEnd reports whether FCM's own front end gives such an answer, with or
// without a body of FCM's.
func (r *refusal) isFrontEnd() bool {
	switch r.status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// unknown is the verdict on an answer that stands in no table of FCM's: somebody
// else gave it, a proxy or the server of a wrong endpoint. It says nothing about the
// message and the token, whatever its status is.
func (r *refusal) unknown() answer {
	a := answer{fate: again, scope: all, innocent: true, code: httpCode(r.status)}
	switch r.status {
	case http.StatusOK:
		a.code = "no-message-id"
	case http.StatusNotFound:
		a.code = "not-found"
	case http.StatusTooManyRequests:
		a.closed, a.wait = true, quotaWait
	}
	return a
}

// badRequest tells a bad token from a bad message. In doubt the message is at
// fault: a token that is kept costs one letter, one removed by mistake a user.
func (r *refusal) badRequest() answer {
	fields := r.fields()
	for _, field := range fields {
		if field != "message.token" {
			return answer{fate: rejected, code: "invalid-argument"}
		}
	}
	if len(fields) > 0 || strings.Contains(r.message, "registration token") {
		return answer{fate: gone, code: "invalid-token"}
	}
	return answer{fate: rejected, code: "invalid-argument"}
}

// quota tells whose quota is used up. FCM's own code is for the target's, unless
// its details speak of the project.
func (r *refusal) quota() answer {
	device := answer{fate: again, wait: quotaWait, code: quotaDevice}
	project := answer{fate: again, scope: all, wait: quotaWait, closed: true, innocent: true, code: "quota-project"}
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
func badPlatform(code string) answer {
	return answer{fate: again, scope: group, wait: platformWait, closed: true, innocent: true, code: code}
}

// appleVerdict is what Apple's own reason means, if it is one that says more than
// FCM does.
func appleVerdict(reason string) (answer, bool) {
	switch reason {
	case "Unregistered", "ExpiredToken":
		return answer{fate: gone, code: "unregistered"}, true
	case "BadDeviceToken", "DeviceTokenNotForTopic":
		return answer{fate: gone, scope: group, doubtful: true, code: "apns-bad-token"}, true
	case "BadCollapseId", "BadExpirationDate", "BadMessageId", "BadPriority", "DuplicateHeaders",
		"InvalidPushType", "PayloadEmpty", "PayloadTooLarge":
		return answer{fate: rejected, code: "apns-invalid"}, true
	case "BadTopic", "MissingTopic", "TopicDisallowed":
		return badPlatform("apns-topic"), true
	case "BadCertificate", "BadCertificateEnvironment", "BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken",
		"ExpiredProviderToken", "Forbidden", "InvalidProviderToken", "MissingProviderToken",
		"TooManyProviderTokenUpdates", "UnrelatedKeyIdInToken":
		return badPlatform("third-party-auth"), true
	case "TooManyRequests":
		return answer{fate: again, wait: quotaWait, code: quotaDevice}, true
	case "InternalServerError", "ServiceUnavailable", "Shutdown":
		return answer{fate: again, scope: group, code: "apns-unavailable"}, true
	}
	return answer{}, false
}

// httpCode is the code of an answer of which nothing is known but the status.
func httpCode(status int) string { return "http-" + strconv.Itoa(status) }

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
