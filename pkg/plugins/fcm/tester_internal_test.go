package fcm

import (
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// A test push brings its token; a receipt from a queue that calls itself one is of an
// action that nobody knows.
func TestTestPushBringsItsToken(t *testing.T) {
	t.Parallel()
	c, err := parseConfig(`{"project_id":"p","credentials_file":"x","android":{"enabled":true,"title":"Chat","body":"$content"},"apns":{"enabled":true,"body":"$content"},"apns_bundle_id":"org.example"}`)
	if err != nil {
		t.Fatal(err)
	}
	r := push.NewTest(1, "secret")
	made, err := newTemplate(c, r, time.Now())
	if err != nil || made == nil {
		t.Fatalf("template is %v, %v", made, err)
	}
	m := made.Device(push.Device{User: 1, Platform: "android", Token: "t"}, r.To[1])
	text := string(m.appendTo(nil))
	for _, want := range []string{`"what":"test"`, `"test":"secret"`, `"Test notification"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	iphone := made.Device(push.Device{User: 1, Platform: "ios", Token: "t"}, r.To[1])
	if text := string(iphone.appendTo(nil)); strings.Contains(text, `"badge"`) || !strings.Contains(text, `"Test notification"`) {
		t.Errorf("a test changes the badge, or says nothing: %s", text)
	}
	queued := &push.Receipt{To: r.To, Payload: push.Payload{What: push.ActTest, Topic: "grpX", SeqId: 1}}
	if made, err := newTemplate(c, queued, time.Now()); made != nil || err != nil {
		t.Errorf("a receipt with what test makes %v, %v", made, err)
	}
}
