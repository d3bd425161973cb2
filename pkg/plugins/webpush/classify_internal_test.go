package webpush

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
)

// knows are the statuses that RFC 8030 gives a meaning, and ntfy's.
func knows(status int) bool {
	switch status {
	case 400, 401, 403, 404, 410, 413, 507:
		return true
	}
	return status >= 200 && status < 300
}

// stranger faces the table.
type stranger struct{ of vendor }

func (stranger) Append(b []byte) []byte { return append(b, "message"...) }

func (s stranger) Claim(x line.Exchange) (line.Answer, bool) {
	return classify(x, s.of, time.Now()), true
}

// TestEveryAnswer: what stands in no table comes again, for the origin, whoever's it is.
func TestEveryAnswer(t *testing.T) {
	t.Parallel()
	head := h2post.NewHead("/")
	for _, of := range []vendor{other, mozilla} {
		linetest.Run(t, linetest.Provider{
			Scope: line.OfGroup, Knows: knows,
			Ask: func(ctx context.Context, over *line.Wire) line.Answer {
				answer := make(chan line.Answer, 1)
				over.Send(ctx, head, stranger{of}, func(a line.Answer) { answer <- a })
				return <-answer
			},
		})
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	after := func(s string) http.Header { return http.Header{"Retry-After": {s}} }
	accepted := line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
	gone := line.Answer{Fate: line.Gone, Tried: true, Code: "unregistered"}
	mismatch := line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errMismatch, Tried: true, Code: codeMismatch}
	refused := line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true, Tried: true, Code: "vapid-refused"}
	invalid := line.Answer{Fate: line.Rejected, Tried: true, Code: "invalid-message"}
	slow := func(wait time.Duration) line.Answer {
		return line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: wait, Closed: true, Innocent: true, Tried: true, Code: "quota-origin"}
	}
	down := func(code string, wait time.Duration) line.Answer {
		return line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: wait, Tried: true, Code: code}
	}
	for name, test := range map[string]struct {
		of     vendor
		status int
		header http.Header
		body   string
		want   line.Answer
		says   string
	}{
		"201":                         {other, 201, nil, "", accepted, ""},
		"ntfy's 200, with JSON":       {other, 200, nil, `{"id":"x"}`, accepted, ""},
		"202, with a receipt":         {mozilla, 202, nil, "", accepted, ""},
		"404 of an expired one":       {google, 404, nil, "", gone, "404"},
		"410":                         {apple, 410, nil, `{"reason":"Unregistered"}`, gone, "410 Unregistered"},
		"Apple's 404":                 {apple, 404, nil, `{"reason":"BadPath"}`, gone, "404 BadPath"},
		"Mozilla's 410":               {mozilla, 410, nil, `{"code":410,"errno":106,"error":"","message":"do-not-quote"}`, gone, "410, errno 106"},
		"Google's other key":          {google, 403, nil, "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n", mismatch, "another VAPID key"},
		"Google's refusal":            {google, 401, nil, "authorization header must be specified", refused, "vapid and subject"},
		"Mozilla's other key":         {mozilla, 401, nil, `{"code":401,"errno":109,"message":"VAPID public key mismatch"}`, mismatch, "errno 109"},
		"Mozilla's refusal":           {mozilla, 401, nil, `{"code":401,"errno":109,"message":"Missing VAPID"}`, refused, "errno 109"},
		"Apple's other key":           {apple, 400, nil, `{"reason":"VapidPkHashMismatch"}`, mismatch, "VapidPkHashMismatch"},
		"Apple's bad token":           {apple, 403, nil, `{"reason":"BadJwtToken"}`, refused, "403 BadJwtToken"},
		"a reason that Apple has not": {apple, 403, nil, `{"reason":"do-not-quote"}`, refused, "403: check"},
		"Apple's text of another":     {other, 400, nil, `{"reason":"VapidPkHashMismatch"}`, invalid, "400"},
		"Apple's bad TTL":             {apple, 400, nil, `{"reason":"BadTtl"}`, invalid, "400 BadTtl"},
		"Microsoft's bad TTL":         {microsoft, 400, nil, "", invalid, "route shows"},
		"too large":                   {mozilla, 413, nil, `{"errno":104}`, line.Answer{Fate: line.Rejected, Tried: true, Code: "too-large"}, "max_body"},
		"Apple's one device":          {apple, 429, nil, `{"reason":"TooManyRequests"}`, line.Answer{Fate: line.Again, Wait: slowWait, Tried: true, Code: "quota-device"}, "429 TooManyRequests"},
		"429":                         {google, 429, nil, "", slow(slowWait), "429"},
		"429 that says":               {other, 429, after("120"), "", slow(2 * time.Minute), "429"},
		"429 that says too little":    {other, 429, after("1"), "", slow(leastWait), "429"},
		"429 that says too much":      {other, 429, after("999999"), "", slow(time.Hour), "429"},
		"Microsoft's 406":             {microsoft, 406, nil, "", slow(slowWait), "406"},
		"406 of others":               {other, 406, nil, "", line.Answer{Fate: line.Again, Scope: line.OfGroup, Innocent: true, Tried: true, Code: "http-406"}, "406"},
		"ntfy's 507":                  {other, 507, nil, `{"code":50701}`, line.Answer{Fate: line.Again, Wait: awayWait, Tried: true, Code: "away"}, "ntfy"},
		"Mozilla's 503":               {mozilla, 503, after("120"), `{"errno":201}`, down("http-503", 2*time.Minute), "503, errno 201"},
		"Apple's 503":                 {apple, 503, nil, `{"reason":"Shutdown"}`, down("http-503", 0), "503 Shutdown"},
		"500":                         {google, 500, nil, "", down("http-500", 0), "500"},
		"redirect":                    {other, 307, nil, "", line.Answer{Fate: line.Again, Scope: line.OfGroup, Innocent: true, Tried: true, Code: "http-307"}, "not followed"},
	} {
		x := line.Exchange{Status: test.status, Body: []byte(test.body)}
		if test.header != nil {
			x.Header = test.header
		}
		got := classify(x, test.of, time.Now())
		same := cmpopts.EquateErrors()
		if diff := cmp.Diff(test.want, got, same, cmpopts.IgnoreFields(line.Answer{}, "Err"), cmpopts.IgnoreUnexported(line.Answer{}), cmpopts.IgnoreTypes((*line.Group)(nil))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if test.says != "" && !strings.Contains(got.Err.Error(), test.says) || got.Err != nil && strings.Contains(got.Err.Error(), "do-not-quote") {
			t.Errorf("%s: %v, want %q in it", name, got.Err, test.says)
		}
	}
}

// TestVendors: answers are read in the words of whose server it is.
func TestVendors(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]vendor{
		"fcm.googleapis.com": google, "web.push.apple.com": apple, "updates.push.services.mozilla.com": mozilla,
		"wns2-par02p.notify.windows.com": microsoft, "ntfy.sh": other, "evilpush.apple.com": other, "push.apple.com.example.com": other,
	} {
		if got := vendorOf(host); got != want {
			t.Errorf("%s is %d, want %d", host, got, want)
		}
	}
}
