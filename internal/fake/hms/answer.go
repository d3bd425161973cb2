package hms

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"

	"github.com/pushworker/pushworker/internal/fake"
)

// Names of the answers that the server gives by itself.
const (
	accepted   = "accepted"
	partly     = "partly-failed"
	noneValid  = "no-token-valid"
	parameter  = "bad-parameter"
	structure  = "bad-structure"
	badTTL     = "bad-ttl"
	badKey     = "bad-collapse-key"
	refused    = "token-refused"
	expiredV1  = "token-expired"
	expiredV3  = "jwt-expired"
	tooLarge   = "too-large"
	tokenCount = "token-count"
	notFound   = "not-found"
)

// row is an answer with a code.
type row struct {
	code, name string
	status     int
	about      string
}

// codes are those of "Response Parameters". Which statuses go with them, Huawei says of few.
func codes() []row {
	return []row{
		{"80000000", accepted, 200, "the pushes are taken"},
		{"80100000", partly, 200, "some tokens are refused: msg says which"},
		{"80300007", noneValid, 200, "no token is valid: msg says why"},
		{"80100001", parameter, 400, "a parameter is wrong"},
		{"80100002", "several-tokens", 400, "a system message has more than one token"},
		{"80100003", structure, 400, "the structure of the message is wrong"},
		{"80100004", badTTL, 400, "the TTL is wrong"},
		{"80100013", badKey, 400, "the collapse key is wrong"},
		{"80100016", "content-refused", 400, "the content is sensitive"},
		{"80200001", refused, 401, "who sends is not known"},
		{"80200003", expiredV1, 401, "the access token has expired"},
		{"80200005", expiredV3, 401, "the signed token has expired"},
		{"80300002", "no-permission", 200, "the app may not send"},
		{"80300008", tooLarge, 200, "more than 4,096 bytes without the tokens"},
		{"80300010", tokenCount, 200, "not between 1 and 1,000 tokens"},
		{"81000001", "inner-error", 500, "a fault inside Push Kit"},
		{"89999999", "unknown-code", 200, "the fake's own: a code that nobody documents"},
	}
}

// reasons are why v3 refuses a single token; v1 only says that it does.
func reasons() map[string]string {
	return map[string]string{ //nolint:gosec // no secret is among them
		"tokenFormatError":                     "the token has a wrong form",
		"noRight":                              "the token is of another project",
		"noPushTypeRight":                      "the app has no right to the push type",
		"disableSendHuaweiMsgBecauseOfPenalty": "the app may not send, as a penalty",
		"appinfoError":                         "the app is not known",
		"countryNotSupport":                    "the device's country is not served",
		"tokenPlatformNotSupport":              "the device's system does not take it",
		"unknownReason":                        "the fake's own: a reason that nobody documents",
	}
}

// answers lists what a rule can name, beside what package fake adds.
func answers() []fake.Answer {
	var all []fake.Answer
	for _, r := range codes() {
		all = append(all, fake.Answer{Name: r.name, Status: r.status, About: "code " + r.code + ": " + r.about})
	}
	for reason, about := range reasons() {
		all = append(all, fake.Answer{Name: nameOf(reason), Status: 200, About: "for one token, " + reason + ": " + about})
	}
	return append(all,
		fake.Answer{Name: notFound, Status: 404, ContentType: fake.TypeText, About: "there is no such project or app", Body: "not found\n"},
		fake.Answer{Name: "unauthorized", Status: 401, ContentType: fake.TypeText, About: "of the token endpoint, or without a code", Body: "unauthorized\n"},
		fake.Answer{Name: "bad-gateway-html", Status: 502, ContentType: fake.TypeHTML, About: "Huawei's proxy has no Push Kit", Body: "<html><title>502 Bad Gateway</title></html>\n"},
		fake.Answer{Name: "flow-control", Status: 503, ContentType: fake.TypeText, RetryAfter: 5, About: "too many requests of the project", Body: "flow control\n"},
	)
}

// codeOf is the code of an answer, or empty.
func codeOf(name string) string {
	for _, r := range codes() {
		if r.name == name {
			return r.code
		}
	}
	return ""
}

// reasonOf is the reason of an answer for one token, or empty.
func reasonOf(name string) string {
	for reason := range reasons() {
		if nameOf(reason) == name {
			return reason
		}
	}
	return ""
}

// nameOf is what rules call a reason.
func nameOf(reason string) string {
	var name strings.Builder
	for _, c := range reason {
		if unicode.IsUpper(c) {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(c))
	}
	return name.String()
}

// failures is JSON about tokens that are not taken, which answers have as a string.
func failures(illegal map[string][]string, success, failure int, v1 bool) string {
	says := map[string]any{"failure": failure, "illegalTokens": illegal}
	if v1 {
		var all []string
		for _, tokens := range illegal {
			all = append(all, tokens...)
		}
		says = map[string]any{"failure": failure, "illegal_tokens": all}
	}
	if success > 0 {
		says["success"] = success
	}
	text, _ := json.Marshal(says)
	return string(text)
}

// envelope is the body of an answer.
func envelope(a *fake.Answer, msg, id string) []byte {
	code := codeOf(a.Name)
	if code == "" {
		return []byte(a.Body)
	}
	text, _ := json.Marshal(map[string]string{"code": code, "msg": cmp.Or(msg, a.About), "requestId": id})
	return text
}

// isToken is a guess: Huawei's are long, of letters, digits, - and _.
func isToken(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	_, err := strconv.Atoi(s)
	return len(s) >= 20 && err != nil
}
