package acceptance_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// testDevices changes devices as apps do, and looks at whom the worker sends to then.
// Nobody tells the worker but the handler: there is no other way that it could know.
func testDevices(t *testing.T, w *world) {
	t.Helper()
	dana := w.open(t, "android", "dana-1").signUp("dana")
	erin := w.open(t, "ios", "erin-1").signUp("erin")
	dana.join(erin.user, nil)
	reaches := func(what string, want ...string) {
		t.Helper()
		slices.Sort(want)
		var got []string
		eventually(t, func() string { // the event that devices have changed may come after the message
			seq := dana.say(erin.user, nil, what)
			eventually(t, func() string {
				if got = reached(pushes(t, w.fake), dana.user, erin.user, seq); slices.Contains(got, "dana-1") {
					return ""
				}
				return what + ": the sender's own device gets nothing"
			})
			if slices.Equal(got, want) {
				return ""
			}
			return what + ": a message reaches " + strings.Join(got, " ") + ", not " + strings.Join(want, " ")
		})
	}
	reaches("login", "dana-1", "erin-1")
	second := w.open(t, "web", "erin-2").logIn("erin")
	reaches("a second device", "dana-1", "erin-1", "erin-2")
	erin.device("erin-1-new")
	reaches("a token that is replaced", "dana-1", "erin-1-new", "erin-2")
	erin.device("␡")
	reaches("logout", "dana-1", "erin-2")
	other := w.open(t, "web", "erin-2").signUp("frank")
	reaches("a device that somebody else has taken", "dana-1")
	third := w.open(t, "web", "erin-dead").logIn("erin")
	w.script(t, `{"rules":[{"token":"erin-dead","answer":"unregistered"}]}`)
	eventually(t, func() string {
		dana.say(erin.user, nil, "to a dead token")
		if left := command(t, w.dir, nil, nil, "psql", "-h", "127.0.0.1", "-p", port(w.postgres), "-U", "postgres", "-At", "tinode",
			"-c", "SELECT count(*) FROM devices WHERE deviceid='erin-dead'"); strings.TrimSpace(left) != "0" {
			return "Tinode's database still has the dead token"
		}
		return ""
	})
	w.script(t, `{"rules":[]}`)
	for _, c := range []*client{dana, erin, second, third, other} {
		c.close()
	}
	counted(t, "login, second device, new token, logout, takeover, dead token: pushes follow Tinode's database")
}

// reached are the devices that got message seq of a conversation of two.
func reached(all []push, one, other string, seq int) []string {
	var got []string
	for _, target := range targets(all) {
		if copies(all, target, one)[seq]+copies(all, target, other)[seq] > 0 && !slices.Contains(got, target) {
			got = append(got, target)
		}
	}
	return got
}

// script makes the worker's fake answer by rules.
func (w *world) script(t *testing.T, rules string) {
	t.Helper()
	response, err := http.Post("http://"+w.fakeAddr+"/fake/script", "application/json", strings.NewReader(rules))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= 300 {
		t.Fatalf("the fake refuses the script: %s", response.Status)
	}
}
