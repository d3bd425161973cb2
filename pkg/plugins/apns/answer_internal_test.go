package apns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
)

// TestEveryAnswer: what is not Apple's, whatever its status, comes again for everybody. A
// 200 is Apple's if it has an apns-id, and a 410 with a reason of Apple's is.
func TestEveryAnswer(t *testing.T) {
	t.Parallel()
	s := newTestSender(t)
	defer s.auth.Close()
	if err := s.auth.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	linetest.Run(t, linetest.Provider{
		Scope: line.All,
		Knows: func(status int) bool { return status == http.StatusGone },
		Ask: func(ctx context.Context, over *line.Wire) line.Answer {
			answer := make(chan line.Answer, 1)
			m := &message{rendered: &rendered{aps: []byte("{}"), data: []byte(`{"what":"msg"}`)}, token: "00ff", topic: "com.example.app"}
			(&request{message: m, sender: &sender{line: s.line, auth: s.auth, wire: over}, ctx: ctx, answered: func(a line.Answer) { answer <- a }}).send()
			return <-answer
		},
	})
}

// TestClassify is the table of "Handling notification responses from APNs".
func TestClassify(t *testing.T) {
	t.Parallel()
	now := time.Now()
	gone := line.Answer{Fate: line.Gone, Code: "unregistered"}
	rejected := line.Answer{Fate: line.Rejected, Code: "invalid-message"}
	topic := line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true, Code: "topic"}
	key := line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Code: "key"}
	with := func(a line.Answer, change func(*line.Answer)) line.Answer { change(&a); return a }
	sick := func(status int) line.Answer {
		return line.Answer{Fate: line.Again, Scope: line.All, Wait: sickWait, Most: 15 * time.Minute, Firm: true, Code: line.HTTPCode(status)}
	}
	for _, c := range []struct {
		status int
		reason string
		want   line.Answer
		again  again
	}{
		{410, "Unregistered", gone, never},
		{410, "ExpiredToken", gone, never},
		{400, "BadDeviceToken", line.Answer{Fate: line.Gone, Scope: line.OfGroup, Code: "bad-token"}, never},
		{400, "DeviceTokenNotForTopic", line.Answer{Fate: line.Gone, Scope: line.OfGroup, Code: "other-topic"}, never},
		{413, "PayloadTooLarge", rejected, never},
		{400, "PayloadEmpty", rejected, never},
		{400, "BadCollapseId", rejected, never},
		{400, "BadExpirationDate", rejected, never},
		{400, "BadMessageId", rejected, never},
		{400, "BadPriority", rejected, never},
		{400, "InvalidPushType", rejected, never},
		{400, "DuplicateHeaders", rejected, never},
		{400, "MissingDeviceToken", rejected, never},
		{404, "BadPath", rejected, never},
		{405, "MethodNotAllowed", rejected, never},
		{400, "BadTopic", topic, never},
		{400, "MissingTopic", topic, never},
		{400, "TopicDisallowed", topic, never},
		{403, "BadCertificate", key, never},
		{403, "BadCertificateEnvironment", key, never},
		{403, "BadEnvironmentKeyInToken", key, never},
		{403, "BadEnvironmentKeyIdInToken", key, never},
		{403, "Forbidden", key, never},
		{403, "InvalidProviderToken", key, never},
		{403, "MissingProviderToken", key, never},
		{403, "UnrelatedKeyIdInToken", key, elsewhere},
		{403, "ExpiredProviderToken", with(key, func(a *line.Answer) { a.Code = "token-expired" }), renewed},
		{429, "TooManyProviderTokenUpdates", with(key, func(a *line.Answer) { a.Code, a.Wait = "quota-tokens", time.Minute }), elsewhere},
		{429, "TooManyRequests", line.Answer{Fate: line.Again, Wait: 30 * time.Second, Most: 15 * time.Minute, Code: "quota-device"}, never},
		{500, "InternalServerError", sick(500), never},
		{503, "ServiceUnavailable", sick(503), never},
		{503, "Shutdown", sick(503), elsewhere},
		{400, "IdleTimeout", sick(400), elsewhere},
		{400, "SomethingNew", line.Answer{Fate: line.Again, Scope: line.All, Innocent: true, Code: "http-400"}, never},
		{410, "", line.Answer{Fate: line.Again, Scope: line.All, Innocent: true, Code: "http-410"}, never},
	} {
		v := classify(line.Exchange{Status: c.status, Body: fmt.Appendf(nil, `{"reason":%q}`, c.reason)}, now)
		c.want.Tried = true
		if diff := cmp.Diff(c.want, v.Answer, cmpopts.IgnoreFields(line.Answer{}, "Err", "Doubt"), cmpopts.IgnoreUnexported(line.Answer{})); diff != "" || v.again != c.again {
			t.Errorf("%d %s, again %d (-want +got):\n%s", c.status, c.reason, v.again, diff)
		}
		if doubted := v.Doubt != nil; doubted != (v.Scope == line.OfGroup && v.Fate == line.Gone) || v.Err == nil {
			t.Errorf("%d %s: doubted %t, error %v", c.status, c.reason, doubted, v.Err)
		}
	}
}

// TestGoneAsOf: Apple says since when; a time that has not come yet is not believed.
func TestGoneAsOf(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct{ told, want time.Time }{
		"past":   {now.Add(-time.Hour).Truncate(time.Millisecond), now.Add(-time.Hour).Truncate(time.Millisecond)},
		"future": {now.Add(time.Hour), now},
	} {
		v := classify(line.Exchange{Status: 410, Body: fmt.Appendf(nil, `{"reason":"Unregistered","timestamp":%d}`, c.told.UnixMilli())}, now)
		if v.Fate != line.Gone || !v.AsOf.Equal(c.want) {
			t.Errorf("%s: %+v, want gone as of %s", name, v.Answer, c.want)
		}
	}
}

// TestAcceptedIsProven: a 200 without an apns-id is somebody else's.
func TestAcceptedIsProven(t *testing.T) {
	t.Parallel()
	for _, header := range []http.Header{nil, {}, {"Apns-Id": {"x"}}} {
		v := classify(line.Exchange{Status: 200, Header: header}, time.Now())
		if accepted := v.Fate == line.Accepted; accepted != (len(header) > 0) {
			t.Errorf("header %v: %+v", header, v.Answer)
		}
	}
	if v := classify(line.Exchange{Err: errors.New("reset")}, time.Now()); v.Fate != line.Again || !v.Tried {
		t.Errorf("no answer: %+v", v.Answer)
	}
}

// TestUniqueID: what Apple's console calls a push is told of each answer of the sandbox, and
// nothing that could be anything else.
func TestUniqueID(t *testing.T) {
	t.Parallel()
	const id = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
	for told, want := range map[string]string{"": "", id: id, "with a space": "", strings.Repeat("a", 65): ""} {
		header := http.Header{"Apns-Id": {"x"}, "Apns-Unique-Id": {told}}
		for status, body := range map[int]string{200: "", 410: `{"reason":"Unregistered"}`, 429: `{"reason":"TooManyRequests"}`} {
			if v := classify(line.Exchange{Status: status, Header: header, Body: []byte(body)}, time.Now()); v.UniqueID != want {
				t.Errorf("%d with %q: %q, want %q", status, told, v.UniqueID, want)
			}
		}
	}
}
