package acceptance_test

import (
	"slices"
	"strings"
	"testing"
)

// testChannels has somebody read a channel on devices that come and go, and looks at
// who is subscribed when something is published.
func testChannels(t *testing.T, w *world) {
	t.Helper()
	ida := w.open(t, "web", "ida-1").signUp("ida")
	joe := w.open(t, "android", "joe-1").signUp("joe")
	group := ida.join("nch1", object{"desc": object{"public": object{"fn": "News"}}})
	channel := "chn" + strings.TrimPrefix(group, "grp")
	reaches := func(what string, want ...string) {
		t.Helper()
		eventually(t, func() string { // devices are subscribed a moment after Tinode has said so
			sent := len(pushes(t, w.fake))
			ida.say(group, nil, what)
			var to push
			eventually(t, func() string {
				for _, p := range pushes(t, w.fake)[sent:] {
					if p.target == "/topics/"+channel {
						to = p
						return ""
					}
				}
				return what + ": nothing is sent to the channel"
			})
			if slices.Sort(to.to); slices.Equal(to.to, want) {
				return ""
			}
			return what + ": the channel reaches " + strings.Join(to.to, " ") + ", not " + strings.Join(want, " ")
		})
	}
	reaches("a channel that nobody reads")
	joe.join(channel, nil)
	reaches("a reader", "joe-1")
	second := w.open(t, "ios", "joe-2").logIn("joe")
	reaches("the reader's second device", "joe-1", "joe-2")
	joe.device("joe-1-new")
	reaches("a token that is replaced", "joe-1-new", "joe-2")
	joe.device("␡")
	reaches("logout", "joe-2")
	second.join(channel, nil)
	second.must("leave", object{"topic": channel, "unsub": true})
	reaches("a reader who leaves")
	for _, c := range []*client{ida, joe, second} {
		c.close()
	}
	counted(t, "reader, second device, new token, logout, leaving: the channel reaches the reader's devices")
}
