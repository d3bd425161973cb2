package fcm_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/fcm"
)

// row is one answer in testdata/answers.json, which was written down from the
// documentation and from what FCM was seen to send, not from the code.
type row struct {
	Answer     string          `json:"answer"`
	Status     int             `json:"status"`
	RetryAfter string          `json:"retry_after"`
	Body       json.RawMessage `json:"body"`
}

func TestEveryAnswerIsTheOneOfFCM(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range rows {
		t.Run(want.Answer, func(t *testing.T) {
			t.Parallel()
			s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `{"answer":"`+want.Answer+`"}`)}})
			got := push(t, client(t), s, to("a"))
			if got.status != want.Status || got.header.Get("Retry-After") != want.RetryAfter {
				t.Errorf("%d with Retry-After %q, want %d with %q", got.status, got.header.Get("Retry-After"), want.Status, want.RetryAfter)
			}
			if kind := got.header.Get("Content-Type"); kind != "application/json; charset=UTF-8" {
				t.Errorf("content type %q", kind)
			}
			if diff := cmp.Diff(decode(t, want.Body), decode(t, []byte(got.body))); diff != "" {
				t.Error(diff)
			}
			if stats := s.Stats(); stats.Answers[want.Answer] != 1 || stats.Status[strconv.Itoa(want.Status)] != 1 || stats.Accepted != 0 {
				t.Errorf("counted as %+v", stats)
			}
		})
	}
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestFrontEndAnswersWithPages(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{
		"not-found-html": 404, "bad-gateway-html": 502, "service-unavailable-html": 503, "gateway-timeout-html": 504,
	} {
		s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `{"answer":"`+name+`"}`)}})
		got := push(t, client(t), s, to("a"))
		if got.status != status || got.header.Get("Content-Type") != "text/html; charset=UTF-8" || !strings.Contains(got.body, "<!DOCTYPE html>") {
			t.Errorf("%s: %d, %q, %q", name, got.status, got.header.Get("Content-Type"), got.body)
		}
	}
}

func TestAcceptedMessagesHaveIDsLikeThoseOfFCM(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	seen := make(map[string]bool)
	for body, shape := range map[string]string{
		to("a"): `0:\d{16}%[0-9a-f]{16}`,
		`{"message":{"token":"b","webpush":{"data":{"k":"v"}}}}`:               `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}`,
		`{"message":{"token":"c","webpush":{},"android":{"priority":"high"}}}`: `0:\d{16}%[0-9a-f]{16}`,
		`{"validate_only":true,"message":{"token":"d"}}`:                       `fake_message_id`,
		`{"validateOnly":true,"message":{"topic":"news"}}`:                     `fake_message_id`,
		`{"message":{"condition":"'a' in topics && 'b' in topics"}}`:           `0:\d{16}%[0-9a-f]{16}`,
	} {
		got := push(t, c, s, body)
		var answer struct{ Name string }
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != 200 {
			t.Fatalf("%s: %d %s", body, got.status, got.body)
		}
		if !regexp.MustCompile(`^projects/demo/messages/` + shape + `$`).MatchString(answer.Name) {
			t.Errorf("%s: name %q, want the shape %q", body, answer.Name, shape)
		}
		if seen[answer.Name] && !strings.HasSuffix(answer.Name, "fake_message_id") {
			t.Errorf("the id %q came twice", answer.Name)
		}
		seen[answer.Name] = true
	}
	if got := s.Stats(); got.Accepted != 4 || got.Requests != 6 {
		t.Errorf("%d accepted of %d, want 4 of 6: a dry run delivers nothing", got.Accepted, got.Requests)
	}
}

func TestRulesAnswerWithAnyStatus(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `
		{"token":"tea","status":418,"body":"short and stout","retry_after":7},
		{"token":"json","status":501,"body":"{}","content_type":"application/json"}`)}})
	c := client(t)
	got := push(t, c, s, to("tea"))
	if got.status != 418 || got.body != "short and stout" || got.header.Get("Retry-After") != "7" || got.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
		t.Errorf("got %+v", got)
	}
	got = push(t, c, s, to("json"))
	if got.status != 501 || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", got)
	}
	if n := s.Stats().Answers["custom"]; n != 2 {
		t.Errorf("%d custom answers counted, want 2", n)
	}
}

func TestRetryAfterAsTheScriptSays(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `
		{"token":"none","answer":"quota-project","retry_after":"none"},
		{"token":"range-*","answer":"unavailable","retry_after":"1-5"},
		{"token":"date","answer":"unavailable","retry_after":"date 120"}`)}})
	c := client(t)
	if got := push(t, c, s, to("none")); got.status != 429 || got.header.Values("Retry-After") != nil {
		t.Errorf("none: %d with %q", got.status, got.header.Values("Retry-After"))
	}
	seen := make(map[string]bool)
	for i := range 100 {
		seen[push(t, c, s, to("range-"+strconv.Itoa(i))).header.Get("Retry-After")] = true
	}
	if diff := cmp.Diff(map[string]bool{"1": true, "2": true, "3": true, "4": true, "5": true}, seen); diff != "" {
		t.Errorf("a hundred answers from 1 to 5 seconds: %s", diff)
	}
	header := push(t, c, s, to("date")).header.Get("Retry-After")
	at, err := http.ParseTime(header)
	if wait := time.Until(at); err != nil || wait < 100*time.Second || wait > 121*time.Second {
		t.Errorf("the date is in %v (%v), want two minutes", wait, err)
	}
	if all := s.Requests(); all[len(all)-1].RetryAfter != header || all[0].RetryAfter != "" {
		t.Errorf("the request is remembered with %q, want %q", all[len(all)-1].RetryAfter, header)
	}
}
