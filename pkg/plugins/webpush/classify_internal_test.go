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
			Scope: line.OfGroup,
			Knows: func(status int) bool {
				ended := status == 404 || status == 410 // which Mozilla says with an errno
				return knows(status) && (of != mozilla || !ended)
			},
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
	wns := func(s string) http.Header { return http.Header{"X-Wns-Error-Description": {s}} }
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
	strange := func(code string) line.Answer {
		return line.Answer{Fate: line.Again, Scope: line.OfGroup, Innocent: true, Tried: true, Code: code}
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
		"Mozilla's 404":               {mozilla, 404, nil, `{"code":404,"errno":102}`, gone, "404, errno 102"},
		"404 in front of Mozilla's":   {mozilla, 404, nil, "<html>", strange("http-404"), "404"},
		"410 in front of Mozilla's":   {mozilla, 410, nil, `{"errno":999}`, strange("http-410"), "410"},
		"404 in front of Apple's":     {apple, 404, nil, "<html>", strange("http-404"), "404"},
		"Google's other key":          {google, 403, nil, "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n", mismatch, "another VAPID key"},
		"Google's refusal":            {google, 401, nil, "authorization header must be specified", refused, "vapid and subject"},
		"Mozilla's other key":         {mozilla, 401, nil, `{"code":401,"errno":109,"message":"VAPID public key mismatch"}`, mismatch, "errno 109"},
		"Mozilla's refusal":           {mozilla, 401, nil, `{"code":401,"errno":109,"message":"Missing VAPID"}`, refused, "errno 109"},
		"Apple's other key":           {apple, 400, nil, `{"reason":"VapidPkHashMismatch"}`, mismatch, "VapidPkHashMismatch"},
		"Apple's bad token":           {apple, 403, nil, `{"reason":"BadJwtToken"}`, refused, "403 BadJwtToken"},
		"Apple's bad token, by 400":   {apple, 400, nil, `{"reason":"BadJwtToken"}`, refused, "400 BadJwtToken: check"},
		"Apple's bad header, by 400":  {apple, 400, nil, `{"reason":"BadAuthorizationHeader"}`, refused, "vapid and subject"},
		"Apple's bad key, by 400":     {apple, 400, nil, `{"reason":"BadVapidPublicKey"}`, refused, "vapid and subject"},
		"Apple's idle connection":     {apple, 400, nil, `{"reason":"IdleTimeout"}`, down("http-400", 0), "400 IdleTimeout"},
		"a reason that Apple has not": {apple, 403, nil, `{"reason":"do-not-quote"}`, refused, "403: check"},
		"Apple's text of another":     {other, 400, nil, `{"reason":"VapidPkHashMismatch"}`, invalid, "400"},
		"Apple's bad TTL":             {apple, 400, nil, `{"reason":"BadTtl"}`, invalid, "400 BadTtl"},
		"Microsoft's bad TTL":         {microsoft, 400, nil, "", invalid, "route shows"},
		"Microsoft's own words":       {microsoft, 400, wns("Ttl value conflicts with X-WNS-Cache-Policy"), "", invalid, `400 "Ttl value conflicts with X-WNS-Cache-Policy"`},
		"Microsoft's other words":     {microsoft, 400, wns("https://x/do-not-quote"), "", invalid, "400: pushworker"},
		"Microsoft's words of others": {other, 400, wns("do-not-quote"), "", invalid, "400: pushworker"},
		"too large":                   {mozilla, 413, nil, `{"errno":104}`, line.Answer{Fate: line.Rejected, Tried: true, Code: "too-large"}, "max_body"},
		"Apple's one device":          {apple, 429, nil, `{"reason":"TooManyRequests"}`, line.Answer{Fate: line.Again, Wait: slowWait, Tried: true, Code: "quota-device"}, "429 TooManyRequests"},
		"429":                         {google, 429, nil, "", slow(slowWait), "429"},
		"429 that says":               {other, 429, after("120"), "", slow(2 * time.Minute), "429"},
		"429 that says too little":    {other, 429, after("1"), "", slow(leastWait), "429"},
		"429 that says too much":      {other, 429, after("999999"), "", slow(time.Hour), "429"},
		"Microsoft's 406":             {microsoft, 406, nil, "", slow(slowWait), "406"},
		"406 of others":               {other, 406, nil, "", strange("http-406"), "406"},
		"ntfy's 507":                  {other, 507, nil, `{"code":50701}`, line.Answer{Fate: line.Again, Wait: awayWait, Tried: true, Code: "away"}, "ntfy"},
		"Mozilla's 503":               {mozilla, 503, after("120"), `{"errno":201}`, down("http-503", 2*time.Minute), "503, errno 201"},
		"Apple's 503":                 {apple, 503, nil, `{"reason":"Shutdown"}`, down("http-503", 0), "503 Shutdown"},
		"500":                         {google, 500, nil, "", down("http-500", 0), "500"},
		"redirect":                    {other, 307, nil, "", strange("http-307"), "not followed"},
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
