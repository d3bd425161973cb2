package fcm

import (
	"io"
	"net/http"
	"strings"
	"testing"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"

	"github.com/pushworker/pushworker/pkg/push"
)

// answersYes is a network behind which everything is fine.
type answersYes struct{}

func (answersYes) RoundTrip(req *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, req.Body)
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"name":"projects/p/messages/1"}`)),
	}, err
}

// TestSDKTakesEveryMessage runs the checks that the SDK makes before it sends.
func TestSDKTakesEveryMessage(t *testing.T) {
	t.Parallel()
	app, err := firebase.NewApp(t.Context(), &firebase.Config{ProjectID: "p"}, option.WithHTTPClient(&http.Client{Transport: answersYes{}}))
	if err != nil {
		t.Fatal(err)
	}
	client, err := app.Messaging(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := readSuite(t, "original.json")
	receipts := monstrous()
	for name, text := range s.Receipts {
		receipts[name] = decodeReceipt(t, text)
	}
	sent := 0
	for _, config := range []string{members(s.Configs["full"]), members(s.Configs["unused"]), members(s.Configs["full"]) + "," + original, bothEnabled()} {
		c := configWith(t, config)
		for name, r := range receipts {
			r.Channel = "chnnG99YhENiQU"
			tmpl, err := newTemplate(c, r, r.Payload.Timestamp)
			if err != nil || tmpl == nil {
				continue
			}
			channel, err := tmpl.channel()
			if err != nil {
				t.Fatal(err)
			}
			messages := []*messaging.Message{channel}
			for p := range platforms {
				messages = append(messages, tmpl.message(bob, push.Recipient{}, p, "token"))
			}
			for _, m := range messages {
				sent++
				if _, err := client.Send(t.Context(), m); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if sent < 500 {
		t.Errorf("only %d messages", sent)
	}
}
