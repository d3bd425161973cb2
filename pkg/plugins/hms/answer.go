package hms

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// flowWait is how long nothing is sent when Huawei's flow control says so, and not for how
// long.
const flowWait = 10 * time.Second

const (
	codeToken   = "token-refused"
	codeInvalid = "invalid-message"
	codeIllegal = "illegal-token"
)

// errMixedUp is what the matter is if too many tokens are refused in a row.
var errMixedUp = fmt.Errorf("Push Kit refuses the tokens of %d devices in a row and accepts none: are they of another app or project? "+ //nolint:staticcheck // a name
	"Check the credentials, and that HarmonyOS and HMS Core each have a handler; no more devices are removed until one is accepted", line.EnoughDoubts)

// reply is the body of every answer of Huawei's.
type reply struct {
	Code json.RawMessage `json:"code"` // a string, or a number
	Msg  string          `json:"msg"`
}

var codePattern = regexp.MustCompile(`^[0-9]{8}$`)

// classify says what an exchange means for tokens, by the tables "Response Parameters" of
// v1 and v3. The code decides: the status is 200 of many faults, too.
func classify(x line.Exchange, tokens []string, now time.Time) line.Answer {
	if x.Err != nil {
		return x.NoAnswer()
	}
	var r reply
	_ = json.Unmarshal(x.Body, &r) // what has another form has no code
	code := string(bytes.Trim(r.Code, `"`))
	if !codePattern.MatchString(code) {
		return ofStatus(x, now)
	}
	switch {
	case code == "80000000" && x.Status == http.StatusOK:
		return line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
	case code == "80100000", code == "80300007":
		if a, ok := r.ofTokens(code, tokens); ok {
			return a
		}
	}
	a, hint, known := ofCode(code)
	if !known {
		a = x.Unknown()
		a.Code, hint = "code-"+code, "Huawei does not document this answer"
	}
	a.Tried, a.Err = true, fmt.Errorf("Push Kit answered %d, code %s: %s", x.Status, code, hint) //nolint:staticcheck // a name
	return a
}

// ofStatus is the answer without a code: it may be somebody else's.
func ofStatus(x line.Exchange, now time.Time) line.Answer {
	a := x.Unknown()
	var hint string
	switch x.Status {
	case http.StatusServiceUnavailable:
		a.Closed, a.Wait, a.Code, hint = true, cmp.Or(x.RetryAfter(now), flowWait), line.CodeQuota+"-project", "flow control, or it is down"
	case http.StatusUnauthorized:
		a.Closed, a.Code, hint = true, codeToken, "check the credentials"
	case http.StatusNotFound:
		a.Closed, a.Code, hint = true, "endpoint", "check endpoint and the credentials' project_id or app_id"
	default:
		least := a.Wait
		a = x.Heed(a, now)
		a.Wait = max(a.Wait, least)
		hint = "it is not Huawei's own answer: check endpoint and the proxy if this continues"
	}
	a.Err = fmt.Errorf("Push Kit answered %d: %s", x.Status, hint) //nolint:staticcheck // a name
	return a
}

// ofCode is the answer for all tokens of a request, and what the operator does about it.
func ofCode(code string) (a line.Answer, hint string, known bool) {
	rejected := line.Answer{Fate: line.Rejected, Code: codeInvalid}
	closed := func(code string) line.Answer {
		return line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: code}
	}
	switch code {
	case "80100001", "80100003", "80100004", "80100013":
		return rejected, "it does not take the message: check the section android and category; pushworker route shows the message", true
	case "80100002", "80300010":
		return rejected, "it does not take so many tokens at once: please report it", true
	case "80300008":
		rejected.Code = "too-large"
		return rejected, "the message is too large: shorten the texts of the section android", true
	case "80100016":
		rejected.Code = "content-refused"
		return rejected, "Huawei refuses the content as sensitive", true
	case "80200001":
		return closed(codeToken), "check the credentials, that they are of the devices' app, and this machine's clock", true
	case "80200003", "80200005":
		return closed(codeToken), "a new token is refused as too old: synchronise this machine's clock (chrony, systemd-timesyncd)", true
	case "80300002":
		return closed("no-permission"), "the app may not send: enable Push Kit in AppGallery Connect, and check that the credentials are of the devices' app", true
	case "81000001":
		return line.Answer{Fate: line.Again, Scope: line.All, Innocent: true, Code: "inner-error"}, "a fault inside Push Kit", true
	}
	return line.Answer{}, "", false
}

// refused is what msg says of tokens, as JSON in a string: v1 lists them, v3 by reason.
type refused struct {
	IllegalV1 []string            `json:"illegal_tokens"`
	IllegalV3 map[string][]string `json:"illegalTokens"`
}

// ofTokens takes apart what a code says of some tokens, or that none is valid. It is false
// if msg does not say which.
func (r *reply) ofTokens(code string, tokens []string) (line.Answer, bool) {
	var says refused
	_ = json.Unmarshal([]byte(r.Msg), &says) // what has another form names none
	reasons := make(map[string]string)
	for _, token := range says.IllegalV1 {
		reasons[token] = codeIllegal
	}
	for reason, of := range says.IllegalV3 {
		for _, token := range of {
			reasons[token] = reason
		}
	}
	each := make([]line.Answer, len(tokens))
	whole, named := -1, false
	for i, token := range tokens {
		reason, ok := reasons[token]
		named = named || ok
		switch {
		case ok:
			each[i] = ofReason(reason)
		case code == "80300007":
			each[i] = ofReason(codeIllegal)
		default:
			each[i] = line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
			whole = i
		}
	}
	if !named && code != "80300007" {
		return line.Answer{}, false
	}
	a := each[max(whole, 0)] // what it says of the provider
	if len(tokens) > 1 {
		a.Each = each
	}
	return a, true
}

// ofReason is the answer for one token.
func ofReason(reason string) line.Answer {
	a := line.Answer{Fate: line.Again, Scope: line.All, Innocent: true, Tried: true, Code: "unknown-reason"}
	text := "Push Kit refuses the token for a reason that Huawei does not document"
	switch reason {
	case "tokenFormatError":
		a, text = line.Answer{Fate: line.Gone, Code: "token-format"}, "Push Kit says that the token is none"
	case "noRight":
		a, text = line.Answer{Fate: line.Gone, Scope: line.All, Doubt: errMixedUp, Code: "other-project"}, "Push Kit says that the token is of another project"
	case codeIllegal:
		a, text = line.Answer{Fate: line.Gone, Scope: line.All, Doubt: errMixedUp, Code: codeIllegal}, "Push Kit says that the token is not valid"
	case "noPushTypeRight":
		a.Scope, a.Wait, a.Closed, a.Code = line.OfGroup, line.GroupWait, true, "no-push-type-right"
		text = "the app has no right to this push type: apply for it in AppGallery Connect; for calls, set call_alerts until then"
	case "disableSendHuaweiMsgBecauseOfPenalty":
		a.Closed, a.Code, text = true, "penalty", "Huawei has stopped the app's messages as a penalty: see AppGallery Connect"
	case "appinfoError":
		a.Closed, a.Code, text = true, "app-info", "Push Kit does not know the app: check it in AppGallery Connect"
	case "countryNotSupport":
		a, text = line.Answer{Fate: line.Rejected, Code: "country"}, "Push Kit does not serve the country of the device"
	case "tokenPlatformNotSupport":
		a, text = line.Answer{Fate: line.Rejected, Code: "platform"}, "the device's system does not take this kind of message: HarmonyOS needs v3, HMS Core on Android v1"
	}
	a.Tried, a.Err = true, errors.New(text)
	return a
}
