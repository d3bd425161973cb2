package webhook

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

// TestEveryAnswer: every status with every body that is no receiver's comes again, for
// everybody; 2xx and 410 stand in the table of Standard Webhooks.
func TestEveryAnswer(t *testing.T) {
	t.Parallel()
	linetest.Run(t, linetest.Provider{
		Scope: line.All,
		Knows: func(status int) bool { return status >= 200 && status < 300 || status == http.StatusGone },
		AskBy: func(ctx context.Context, by http.RoundTripper) line.Answer {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://push.example.com/", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			return classify(line.Do(by, req), time.Now())
		},
	})
}

func TestClassify(t *testing.T) {
	t.Parallel()
	now := time.Now()
	retryAfter := func(s string) http.Header { return http.Header{"Retry-After": {s}} }
	for name, test := range map[string]struct {
		x    line.Exchange
		want line.Answer
		says string
	}{
		"200":           {line.Exchange{Status: 200}, line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}, ""},
		"204":           {line.Exchange{Status: 204}, line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}, ""},
		"299":           {line.Exchange{Status: 299}, line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}, ""},
		"410":           {line.Exchange{Status: 410}, line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Wait: disabledWait, Tried: true, Code: "disabled"}, "has disabled this webhook"},
		"redirect":      {line.Exchange{Status: 307}, line.Answer{Fate: line.Again, Scope: line.All, Tried: true, Code: "http-307"}, "redirects are not followed"},
		"401":           {line.Exchange{Status: 401}, line.Answer{Fate: line.Again, Scope: line.All, Tried: true, Code: "http-401"}, "secret"},
		"404":           {line.Exchange{Status: 404}, line.Answer{Fate: line.Again, Scope: line.All, Tried: true, Code: "http-404"}, "key url"},
		"413":           {line.Exchange{Status: 413}, line.Answer{Fate: line.Again, Scope: line.All, Tried: true, Code: "http-413"}, "thin"},
		"429":           {line.Exchange{Status: 429}, line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Wait: line.QuotaWait, Tried: true, Code: "http-429"}, "429"},
		"429 that says": {line.Exchange{Status: 429, Header: retryAfter("7")}, line.Answer{Fate: line.Again, Scope: line.All, Closed: true, Innocent: true, Wait: 7 * time.Second, Tried: true, Code: "http-429"}, "429"},
		"500 that says": {line.Exchange{Status: 500, Header: retryAfter("9")}, line.Answer{Fate: line.Again, Scope: line.All, Wait: 9 * time.Second, Firm: true, Tried: true, Code: "http-500"}, "500"},
	} {
		got := classify(test.x, now)
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(line.Answer{}, "Err"), cmpopts.IgnoreUnexported(line.Answer{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if test.says != "" && !strings.Contains(got.Err.Error(), test.says) {
			t.Errorf("%s: %v, want %q in it", name, got.Err, test.says)
		}
	}
}

func TestReadReport(t *testing.T) {
	t.Parallel()
	a, b := alice.UserId(), bob.UserId()
	for name, test := range map[string]struct {
		kind, body string
		want       *report
		err        error
	}{
		"no body":           {"application/json", " \n", nil, nil},
		"other type":        {"text/plain", `{"version":1,"undelivered":[{"user":"` + a + `"}]}`, nil, nil},
		"its own JSON":      {"application/json", `{"ok":true,"version":"2.1"}`, nil, nil},
		"its own list":      {"application/json", `[1]`, nil, nil},
		"nobody":            {"application/json", `{"version":1,"undelivered":[]}`, &report{Version: 1, Undelivered: []target{}}, nil},
		"a user":            {"application/json; charset=utf-8", `{"version":1,"undelivered":[{"user":"` + a + `"}]}`, &report{Version: 1, Undelivered: []target{{User: user(alice)}}}, nil},
		"a device and more": {"application/json", `{"version":1,"undelivered":[{"channel":"chnA"}],"gone":[{"user":"` + b + `","id":"x","app":"y","kind":"voip","since":1}]}`, &report{Version: 1, Undelivered: []target{{Channel: "chnA"}}, Gone: []target{{User: user(bob), ID: "x", App: "y", Kind: "voip"}}}, nil},
		"no JSON":           {"application/json", "ok", nil, nil},
		"cut off":           {"application/json", `{"version":1,"undelivered":[{"user":"` + a + `"},{"us`, nil, errUnreadable},
		"another version":   {"application/json", `{"version":2,"undelivered":[]}`, nil, errUnreadable},
		"no version":        {"application/json", `{"undelivered":[{"user":"` + a + `"}]}`, nil, errUnreadable},
		"no list":           {"application/json", `{"version":1,"undelivered":{"user":"` + a + `"}}`, nil, errUnreadable},
		"names of no shape": {"application/json", `{"version":1,"undelivered":["` + a + `"]}`, nil, errUnreadable},
		"names nobody":      {"application/json", `{"version":1,"gone":[{"id":"x"}]}`, nil, errUnreadable},
	} {
		got, err := readReport(line.Exchange{Status: 200, Header: http.Header{"Content-Type": {test.kind}}, Body: []byte(test.body)})
		if diff := cmp.Diff(test.want, got); diff != "" || !errors.Is(err, test.err) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestFates: what a report says of a target holds for that one only.
func TestFates(t *testing.T) {
	t.Parallel()
	device := func(of push.Uid, id string, extra *push.Extra) push.Device {
		return push.Device{User: of, ID: id, Token: "secret", Extra: extra}
	}
	voip := &push.Extra{Kind: "voip"}
	for name, test := range map[string]struct {
		says *report
		to   push.Device
		want line.Fate
	}{
		"no report":                    {nil, device(alice, "phone", nil), line.Accepted},
		"another is named":             {&report{Undelivered: []target{{User: user(bob)}}, Gone: []target{{User: user(alice), ID: "tablet"}}}, device(alice, "phone", nil), line.Accepted},
		"the user is named":            {&report{Undelivered: []target{{User: user(alice)}}}, device(alice, "phone", nil), line.Again},
		"the device is named":          {&report{Undelivered: []target{{User: user(alice), ID: "phone"}}}, device(alice, "phone", nil), line.Again},
		"a device of all of the user":  {&report{Undelivered: []target{{User: user(alice), ID: "phone"}}}, push.Device{User: alice}, line.Again},
		"a device of another user":     {&report{Undelivered: []target{{User: user(bob), ID: "phone"}}}, push.Device{User: alice}, line.Accepted},
		"another device is named":      {&report{Undelivered: []target{{User: user(alice), ID: "tablet"}}}, device(alice, "phone", nil), line.Accepted},
		"of the same id, another kind": {&report{Gone: []target{{User: user(alice), ID: "phone"}}}, device(alice, "phone", voip), line.Accepted},
		"of the same id and kind":      {&report{Gone: []target{{User: user(alice), ID: "phone", Kind: "voip"}}}, device(alice, "phone", voip), line.Gone},
		"gone, and undelivered":        {&report{Undelivered: []target{{User: user(alice)}}, Gone: []target{{User: user(alice), ID: "phone"}}}, device(alice, "phone", nil), line.Gone},
		"a user cannot be gone":        {&report{Gone: []target{{User: user(alice)}}}, push.Device{User: alice}, line.Accepted},
		"what we did not send":         {&report{Gone: []target{{User: user(alice), ID: "phone"}}}, push.Device{User: alice}, line.Accepted},
		"the channel":                  {&report{Undelivered: []target{{Channel: "chnA"}}}, push.Device{}, line.Again},
		"another channel":              {&report{Undelivered: []target{{Channel: "chnB"}}}, push.Device{}, line.Accepted},
	} {
		if got := test.says.fate(test.to, "chnA", 0); got.Fate != test.want {
			t.Errorf("%s: %+v, want fate %d", name, got, test.want)
		}
	}
}
