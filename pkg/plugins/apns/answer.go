package apns

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

const (
	// deviceWait is how long a device is left alone that gets too much; Apple names no
	// time.
	deviceWait = 30 * time.Second
	// sickWait is how long an address is left alone while Apple fails, and then all of them,
	// but for one. Apple asks for 15 minutes, in which messages would grow old.
	sickWait = 15 * time.Second
	// mostWait is up to what both double while the answer stays the same.
	mostWait = 15 * time.Minute
	// updateWait is how long nothing is sent when Apple says of new connections too that
	// tokens change too often.
	updateWait = time.Minute
)

// errMixedUp is what the matter is if too many tokens are bad in a row.
var errMixedUp = fmt.Errorf("Apple refuses the tokens of %d devices of this app in a row and accepts none: "+ //nolint:staticcheck // a name
	`check "environment" (tokens of builds that Xcode has installed are of the sandbox) and "topic"; no more devices are removed until one is accepted`, line.EnoughDoubts)

// again is what is to be done about an answer that says that nothing was processed.
type again uint8

const (
	never     again = iota
	elsewhere       // once more, over another connection
	renewed         // and with another token
)

// verdict is what an exchange means for its device, for the line, and for the connection
// that has carried it.
type verdict struct {
	line.Answer
	again again
}

// refusal is the body of an answer that accepts nothing.
type refusal struct {
	Reason    string `json:"reason"`
	Timestamp int64  `json:"timestamp"` // ms; with 410 only
}

// classify says what an exchange means, by the table in "Handling notification responses
// from APNs". What is not in it is not Apple's answer, or is new.
func classify(x line.Exchange, now time.Time) verdict {
	if x.Err != nil {
		return verdict{Answer: x.NoAnswer()}
	}
	if x.Status == 200 && x.Header != nil && x.Header.Get("apns-id") != "" { // Apple's proof
		return verdict{Answer: line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted", UniqueID: uniqueID(x)}}
	}
	var r refusal
	_ = json.Unmarshal(x.Body, &r) // what has another form is no reason
	v, known := r.verdict(x.Status)
	if !known {
		v.Answer = x.Unknown()
	}
	v.Tried, v.Err, v.UniqueID = true, r.describe(x, v.Code), uniqueID(x)
	if v.Fate == line.Gone && r.Timestamp > 0 {
		v.AsOf = time.UnixMilli(r.Timestamp)
		if v.AsOf.After(now) {
			v.AsOf = now
		}
	}
	return v
}

// plainID is what an event may quote as the id of a push.
var plainID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// uniqueID is what Apple's console knows a push by: the sandbox alone says it.
func uniqueID(x line.Exchange) string {
	id := x.Field("apns-unique-id")
	if !plainID.MatchString(id) {
		return ""
	}
	return id
}

// verdict is what a reason means with its status.
func (r *refusal) verdict(status int) (v verdict, known bool) {
	a := func(a line.Answer) (verdict, bool) { return verdict{Answer: a}, true }
	switch strconv.Itoa(status) + " " + r.Reason {
	case "410 Unregistered", "410 ExpiredToken":
		return a(line.Answer{Fate: line.Gone, Code: "unregistered"})
	case "400 BadDeviceToken":
		return a(line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errMixedUp, Code: codeBadToken})
	case "400 DeviceTokenNotForTopic":
		return a(line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errMixedUp, Code: "other-topic"})
	case "413 PayloadTooLarge", "400 PayloadEmpty", "400 BadCollapseId", "400 BadExpirationDate", "400 BadMessageId",
		"400 BadPriority", "400 InvalidPushType", "400 DuplicateHeaders", "400 MissingDeviceToken", "404 BadPath", "405 MethodNotAllowed":
		return a(line.Answer{Fate: line.Rejected, Code: "invalid-message"})
	case "400 BadTopic", "400 MissingTopic", "400 TopicDisallowed":
		return a(line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true, Code: codeTopic})
	case "429 TooManyRequests":
		return a(line.Answer{Fate: line.Again, Wait: deviceWait, Most: mostWait, Code: line.CodeOwnQuota})
	}
	return r.ofConnection(status)
}

// ofConnection is the verdict of what concerns the connection, the token or Apple's
// service.
func (r *refusal) ofConnection(status int) (v verdict, known bool) {
	closed := line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: "key"}
	sick := line.Answer{Fate: line.Again, Scope: line.All, Wait: sickWait, Most: mostWait, Firm: true, Code: line.HTTPCode(status)}
	switch strconv.Itoa(status) + " " + r.Reason {
	case "403 BadCertificate", "403 BadCertificateEnvironment", "403 BadEnvironmentKeyInToken", "403 BadEnvironmentKeyIdInToken",
		"403 Forbidden", "403 InvalidProviderToken", "403 MissingProviderToken", "403 TopicDisallowed":
		return verdict{Answer: closed}, true
	case "403 UnrelatedKeyIdInToken":
		return verdict{closed, elsewhere}, true
	case "403 ExpiredProviderToken":
		closed.Code = "token-expired"
		return verdict{closed, renewed}, true
	case "429 TooManyProviderTokenUpdates":
		closed.Code, closed.Wait = line.CodeQuota+"-tokens", updateWait
		return verdict{closed, elsewhere}, true
	case "503 Shutdown", "400 IdleTimeout":
		return verdict{sick, elsewhere}, true
	case "500 InternalServerError", "503 ServiceUnavailable":
		return verdict{Answer: sick}, true
	}
	return verdict{}, false
}

const (
	codeBadToken = "bad-token"
	codeTopic    = "topic"
)

// plainReason is what an error may quote of an answer. All else may hold a token.
var plainReason = regexp.MustCompile(`^[A-Za-z]{1,60}$`)

// describe words an answer that accepts nothing, and says what to do about it.
func (r *refusal) describe(x line.Exchange, code string) error {
	text := fmt.Sprintf("APNs answered %d", x.Status)
	if plainReason.MatchString(r.Reason) {
		text += " " + r.Reason
	}
	if hint := r.hint(); hint != "" {
		text += ": " + hint
	} else if code == line.HTTPCode(x.Status) && !x.IsFrontEnd() {
		text += ": Apple does not document this answer: check endpoint and the proxy"
	}
	return errors.New(text)
}

// hint is what the operator does about a reason; empty when there is nothing.
func (r *refusal) hint() string {
	switch r.Reason {
	case "BadDeviceToken":
		return "the token is not valid in this environment"
	case "DeviceTokenNotForTopic":
		return "the token is of another app than topic, or of another kind"
	case "BadTopic", "MissingTopic", "TopicDisallowed":
		return "check topic, the app of the devices, and that the key may send to this bundle id"
	case "BadEnvironmentKeyInToken", "BadEnvironmentKeyIdInToken", "BadCertificateEnvironment":
		return `the key is not for this environment: check "environment", or create a key for it`
	case "InvalidProviderToken", "MissingProviderToken", "Forbidden", "BadCertificate", "UnrelatedKeyIdInToken":
		return "check key_id, team_id and the key; has it been revoked?"
	case "ExpiredProviderToken":
		return "a new token is refused as too old, so this machine's clock is an hour behind, or ahead: synchronise it (chrony, systemd-timesyncd)"
	case "TooManyProviderTokenUpdates":
		return "Apple has seen too many tokens: does another program send with a key of this team?"
	case "PayloadTooLarge", "PayloadEmpty":
		return "check the apns section of the handler's config; pushworker route shows the message"
	}
	return ""
}
