package fcm_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/push"
)

func (w *world) routes(r *push.Receipt) []push.Route {
	w.Helper()
	routes, err := w.Handler.(push.Router).Route(w.Context(), r)
	if err != nil {
		w.Fatal(err)
	}
	return routes
}

// What Route says is what is sent, and Route itself sends nothing.
func TestRouteSaysWhatSendingDoes(t *testing.T) {
	t.Parallel()
	w := newPlainWorld(t, fakefcm.Options{Options: fake.Options{Reveal: true}})
	w.register(alice, "phone")
	w.register(alice, "tablet")
	r := receiptTo(alice, bob)
	r.To[alice] = push.Recipient{Devices: []string{"tablet"}, Delivered: 1}
	r.Channel = "chnOne"

	routes := w.routes(r)
	var lines []string
	var message string
	for _, one := range routes {
		lines = append(lines, strings.Join([]string{one.Device.User.UserId(), one.Device.ID, one.Channel, string(one.Result), one.Why}, "|"))
		if one.Device.ID == "phone" {
			message = string(one.Message)
			if !one.Silent || one.Device.Token != "phone" {
				t.Errorf("route is %+v, want a silent one that knows its token", one)
			}
		}
	}
	want := []string{
		"||chnOne|accepted|",
		alice.UserId() + "|phone||accepted|",
		alice.UserId() + "|tablet||skipped|the device already has the packet",
		bob.UserId() + "|||skipped|the user has no device",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("routes are\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if !json.Valid([]byte(message)) || !strings.Contains(message, `"content":"hi"`) || strings.Contains(message, "phone") {
		t.Errorf("message is %s, want one with the content and without the token", message)
	}
	if s := w.fake.Stats(); s.Accepted != 0 {
		t.Fatalf("asking has sent %d messages", s.Accepted)
	}
	if err := w.Handle(r); err != nil {
		t.Fatal(err)
	}
	if phone, tablet := w.fake.Count("phone").Accepted, w.fake.Count("tablet").Accepted; phone != 1 || tablet != 0 {
		t.Errorf("sent to phone %d times and to tablet %d times, unlike the routes", phone, tablet)
	}
}

func TestRouteSaysWhyNothingIsSent(t *testing.T) {
	t.Parallel()
	w := newPlainWorld(t, fakefcm.Options{}, `"time_to_live":60`)
	w.register(alice, "phone")
	for name, test := range map[string]struct {
		change func(*push.Receipt)
		result push.Result
		why    string
	}{
		"unknown action": {func(r *push.Receipt) { r.Payload.What = "dance" }, push.ResultSkipped, "nothing to send"},
		"expired":        {func(r *push.Receipt) { r.Payload.Timestamp = time.Now().Add(-time.Hour) }, push.ResultSkipped, "expired"},
		"nobody":         {func(r *push.Receipt) { r.To = nil }, push.ResultSkipped, "addresses nobody"},
		"bad channel":    {func(r *push.Receipt) { r.To, r.Channel = nil, "a b" }, push.ResultRejected, "channel has a name"},
	} {
		r := receiptTo(alice)
		test.change(r)
		routes := w.routes(r)
		if len(routes) != 1 || routes[0].Result != test.result || !strings.Contains(routes[0].Why, test.why) || routes[0].Message != nil {
			t.Errorf("%s: routes are %+v, want one that is %s because of %q", name, routes, test.result, test.why)
		}
	}
}

func (w *world) check() string {
	w.Helper()
	var b strings.Builder
	for _, f := range w.Handler.(push.Checker).Check(w.Context()) {
		b.WriteString(f.Level.String() + " " + f.Check + ": " + f.Text + " / " + f.Remedy + "\n")
	}
	return b.String()
}

func TestCheckAsksWithoutSending(t *testing.T) {
	t.Parallel()
	w := newPlainWorld(t, fakefcm.Options{})
	got := w.check()
	for _, want := range []string{"ok access token: ", "ok dry run: ", "ok clock: "} {
		if !strings.Contains(got, want) {
			t.Errorf("findings are\n%swant %q", got, want)
		}
	}
	if s := w.fake.Stats(); s.Accepted != 0 || s.Requests == 0 {
		t.Errorf("stats are %+v, want a request and no message", s)
	}
}

func TestCheckSaysWhatFCMRefuses(t *testing.T) {
	t.Parallel()
	w := newPlainWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"answer":"permission-denied"}`)}})
	if got := w.check(); !strings.Contains(got, "fail dry run: FCM answered 403 permission-denied, IAM_PERMISSION_DENIED: enable the Firebase") {
		t.Errorf("findings are\n%s", got)
	}
	bad := newPlainWorld(t, fakefcm.Options{})
	other := startFake(t, fakefcm.Options{}) // whose keys the first does not know
	account, err := other.ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	bad.Handler.Stop()
	bad.mustInit(`"credentials":` + strings.ReplaceAll(string(account), other.URL(), bad.fake.URL()))
	if got := bad.check(); !strings.Contains(got, "fail access token: token endpoint refuses the credentials") || !strings.Contains(got, "replace the service account's key") {
		t.Errorf("findings are\n%s", got)
	}
}

// A token endpoint that does not answer is no reason to replace the key.
func TestCheckTellsAnEndpointThatIsAway(t *testing.T) {
	t.Parallel()
	w := newPlainWorld(t, fakefcm.Options{})
	away := startFake(t, fakefcm.Options{})
	account, err := away.ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	w.Handler.Stop()
	w.mustInit(`"credentials":` + string(account))
	got := w.check()
	if !strings.Contains(got, "fail access token: get an access token: ") || !strings.Contains(got, " / check the network, the proxy and the endpoint") ||
		strings.Contains(got, "replace") {
		t.Errorf("findings are\n%s", got)
	}
	w.Handler.Stop()
	w.mustInit(`"project_id":"demo"`, `"credentials_file":`+strconv.Quote(filepath.Join(t.TempDir(), "none.json")))
	if got := w.check(); !strings.Contains(got, " / replace the service account's key") {
		t.Errorf("without a file, findings are\n%s", got)
	}
}
