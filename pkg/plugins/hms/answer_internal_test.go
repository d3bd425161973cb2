package hms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
)

// TestEveryAnswer: what is not Huawei's, whatever its status, comes again for everybody.
func TestEveryAnswer(t *testing.T) {
	t.Parallel()
	c := mustConfig(t, testAccount(t), "")
	s := &sender{line: line.New(line.Options{Name: "Push Kit", InFlight: 100, Timeout: sendTimeout}), auth: newAuth(c, "")}
	defer s.auth.Close()
	if err := s.auth.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	configured := []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusServiceUnavailable}
	linetest.Run(t, linetest.Provider{
		Scope: line.All,
		Knows: func(status int) bool { return slices.Contains(configured, status) },
		Ask: func(ctx context.Context, over *line.Wire) line.Answer {
			answer := make(chan line.Answer, 1)
			m := message{rendered: &rendered{kind: alertType, text: []byte(`{"target":{"token":[`)}, badge: noBadge}
			// repeated: a test of its own is about the second request after a 401
			(&request{message: m, sender: &sender{line: s.line, auth: s.auth, wire: over}, tokens: []string{"a"}, repeated: true, ctx: ctx, answered: func(a line.Answer) { answer <- a }}).send()
			return <-answer
		},
	})
}

var ignored = cmp.Options{cmpopts.IgnoreFields(line.Answer{}, "Err", "Doubt"), cmpopts.IgnoreUnexported(line.Answer{})}

// TestCodes is the table of codes, with the status 200: it does not count.
func TestCodes(t *testing.T) {
	t.Parallel()
	rejected := func(code string) line.Answer { return line.Answer{Fate: line.Rejected, Tried: true, Code: code} }
	again := func(closed bool, code string) line.Answer {
		return line.Answer{Fate: line.Again, Scope: line.All, Closed: closed, Innocent: true, Tried: true, Code: code}
	}
	for code, want := range map[string]line.Answer{
		"80000000": {Fate: line.Accepted, Tried: true, Code: "accepted"},
		"80100001": rejected("invalid-message"), "80100002": rejected("invalid-message"), "80100003": rejected("invalid-message"),
		"80100004": rejected("invalid-message"), "80100013": rejected("invalid-message"), "80100016": rejected("content-refused"),
		"80300008": rejected("too-large"), "80300010": rejected("invalid-message"),
		"80200001": again(true, "token-refused"), "80200003": again(true, "token-refused"), "80200005": again(true, "token-refused"),
		"80300002": again(true, "no-permission"), "81000001": again(false, "inner-error"),
		"89999999": again(false, "code-89999999"), "80100000": again(false, "code-80100000"),
	} {
		for _, body := range []string{`{"code":"` + code + `","msg":"secret"}`, `{"code":` + code + `,"msg":"secret"}`} {
			a := classify(line.Exchange{Status: 200, Body: []byte(body)}, []string{"a"}, time.Now())
			if diff := cmp.Diff(want, a, ignored); diff != "" || (a.Err == nil) != (a.Fate == line.Accepted) {
				t.Errorf("%s, error %v (-want +got):\n%s", body, a.Err, diff)
			}
		}
	}
	if a := classify(line.Exchange{Status: 500, Body: []byte(`{"code":"80000000"}`)}, []string{"a"}, time.Now()); a.Fate != line.Again {
		t.Errorf("success with the status 500: %+v", a)
	}
}

// TestStatuses: without a code the status tells.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]line.Answer{
		503: {Closed: true, Wait: 7 * time.Second, Code: "quota-project"},
		401: {Closed: true, Code: "token-refused"},
		404: {Closed: true, Code: "endpoint"},
		500: {Wait: 7 * time.Second, Firm: true, Code: "http-500"},
	} {
		want.Fate, want.Scope, want.Innocent, want.Tried = line.Again, line.All, true, true
		x := line.Exchange{Status: status}
		if want.Wait > 0 {
			x.Header = http.Header{"Retry-After": {"7"}}
		}
		if diff := cmp.Diff(want, classify(x, nil, time.Now()), ignored); diff != "" {
			t.Errorf("%d (-want +got):\n%s", status, diff)
		}
	}
	if a := classify(line.Exchange{Status: 503}, nil, time.Now()); a.Wait != flowWait {
		t.Errorf("flow control without a time waits for %s", a.Wait)
	}
	if a := classify(line.Exchange{Err: errors.New("reset")}, nil, time.Now()); a.Fate != line.Again || !a.Tried {
		t.Errorf("no answer: %+v", a)
	}
}

// TestReasons is the table of why v3 refuses a token.
func TestReasons(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]line.Answer{
		"tokenFormatError":                     {Fate: line.Gone, Code: "token-format"},
		"noRight":                              {Fate: line.Gone, Scope: line.All, Code: "other-project"},
		"noPushTypeRight":                      {Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true, Code: "no-push-type-right"},
		"disableSendHuaweiMsgBecauseOfPenalty": {Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: "penalty"},
		"appinfoError":                         {Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: "app-info"},
		"countryNotSupport":                    {Fate: line.Rejected, Code: "country"},
		"tokenPlatformNotSupport":              {Fate: line.Rejected, Code: "platform"},
		"somethingNew":                         {Fate: line.Again, Scope: line.All, Innocent: true, Code: "unknown-reason"},
	} {
		msg, _ := json.Marshal(fmt.Sprintf(`{"failure":1,"illegalTokens":{%q:["a"]}}`, reason))
		a := classify(line.Exchange{Status: 200, Body: fmt.Appendf(nil, `{"code":"80300007","msg":%s}`, msg)}, []string{"a"}, time.Now())
		want.Tried = true
		if diff := cmp.Diff(want, a, ignored); diff != "" || a.Err == nil || (a.Doubt != nil) != (reason == "noRight") {
			t.Errorf("%s: error %v, doubt %v (-want +got):\n%s", reason, a.Err, a.Doubt, diff)
		}
	}
}

// TestEachToken: both forms name tokens; the others are accepted, unless none is valid.
func TestEachToken(t *testing.T) {
	t.Parallel()
	const (
		v1 = `{"success":1,"failure":2,"illegal_tokens":["b","c"]}`
		v3 = `{"success":1,"failure":2,"illegalTokens":{"tokenFormatError":["b"],"noRight":["c"]}}`
	)
	for name, c := range map[string]struct {
		code, msg string
		want      []string // their codes; nil when nobody knows
	}{
		"part, v1":           {"80100000", v1, []string{"accepted", "illegal-token", "illegal-token"}},
		"part, v3":           {"80100000", v3, []string{"accepted", "token-format", "other-project"}},
		"part, others named": {"80100000", `{"illegal_tokens":["x"]}`, nil},
		"part, no JSON":      {"80100000", "some are illegal", nil},
		"none, v1":           {"80300007", `{"failure":3,"illegal_tokens":["a","b","c"]}`, []string{"illegal-token", "illegal-token", "illegal-token"}},
		"none, v3":           {"80300007", `{"failure":3,"illegalTokens":{"noRight":["a","b","c"]}}`, []string{"other-project", "other-project", "other-project"}},
		"none, no JSON":      {"80300007", "all are illegal", []string{"illegal-token", "illegal-token", "illegal-token"}},
	} {
		msg, _ := json.Marshal(c.msg)
		a := classify(line.Exchange{Status: 200, Body: fmt.Appendf(nil, `{"code":%q,"msg":%s}`, c.code, msg)}, []string{"a", "b", "c"}, time.Now())
		var got []string
		for _, one := range a.Each {
			got = append(got, one.Code)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if accepted := a.Fate == line.Accepted; accepted != slices.Contains(got, "accepted") || got == nil && (a.Fate != line.Again || a.Scope != line.All) {
			t.Errorf("%s: as a whole it is %+v", name, a)
		}
	}
}
