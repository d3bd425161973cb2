package acceptance_test

import (
	"slices"
	"strings"
	"testing"
)

// TestTinode has people use a real Tinode server and looks at what their devices get.
// It needs PostgreSQL; everything else it builds.
func TestTinode(t *testing.T) {
	w := newWorld(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"pushes are Tinode's own", testEqual},
		{"devices follow Tinode's database", testDevices},
		{"channels reach their readers", testChannels},
		{"kills lose nothing", testKills},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, w) }) {
			t.FailNow()
		}
	}
}

// testEqual does what people do, and compares after each step all pushes so far: those
// of Tinode's own handler, at google, and those of the worker, at fake.
func testEqual(t *testing.T, w *world) {
	t.Helper()
	alice := w.open(t, "android", "alice-android").signUp("alice")
	bob := w.open(t, "ios", "bob-ios").signUp("bob")
	w.open(t, "web", "bob-web").logIn("bob").close()
	carol := w.open(t, "android", "carol-android").signUp("carol")
	var group, channel string
	var seq int
	all := []string{"alice-android", "bob-ios", "bob-web"}
	bobs := []string{"bob-ios", "bob-web"}
	p2p := bob.user
	done := 0
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"a new conversation of two", func() { alice.join(p2p, nil) }, bobs},
		{"text", func() { seq = alice.say(p2p, nil, "Hello <b>Bob</b> & all") }, all},
		{"formatted text", func() {
			alice.say(p2p, object{"mime": "text/x-drafty"}, object{
				"txt": "bold and link", "fmt": []object{{"len": 4, "tp": "ST"}, {"at": 9, "len": 4, "key": 0}},
				"ent": []object{{"tp": "LN", "data": object{"url": "https://example.com"}}},
			})
		}, all},
		{"long text", func() { alice.say(p2p, nil, strings.Repeat("long ", 60)) }, all},
		{"an edit", func() { alice.say(p2p, object{"replace": ":1"}, "Hello Bob, edited") }, all},
		{"a deletion", func() {
			alice.must("del", object{"what": "msg", "topic": p2p, "delseq": []object{{"low": seq}}, "hard": true})
		}, nil},
		{"a message read", func() { bob.join(alice.user, nil); bob.read(alice.user, seq+1) }, bobs},
		{"a message to somebody who is there", func() { alice.say(p2p, nil, "are you there?"); bob.leave(alice.user) }, all},
		{"a group", func() { group = alice.join("new1", object{"desc": object{"public": object{"fn": "Chess"}}}) }, []string{"alice-android"}},
		{"somebody joins it", func() { bob.join(group, nil); bob.leave(group) }, all},
		{"text to the group", func() { alice.say(group, nil, "Your move") }, all},
		{"a channel", func() {
			channel = alice.join("nch1", object{"desc": object{"public": object{"fn": "News"}}})
			carol.join("chn"+strings.TrimPrefix(channel, "grp"), nil)
		}, []string{"alice-android"}},
		{
			"text to the channel", func() { alice.say(channel, nil, "News") },
			[]string{"/topics/CHANNEL", "alice-android"},
		},
		{"a call", func() {
			seq = alice.say(p2p, object{"webrtc": "started", "mime": "application/x-tinode-webrtc"}, "call")
		}, all},
		{"its end", func() {
			if err := alice.ws.WriteJSON(object{"note": object{"topic": p2p, "what": "call", "event": "hang-up", "seq": seq}}); err != nil {
				t.Fatal(err)
			}
		}, all},
	} {
		done++
		before := len(pushes(t, w.google))
		step.do()
		for i, target := range step.want {
			step.want[i] = strings.Replace(target, "CHANNEL", "chn"+strings.TrimPrefix(channel, "grp"), 1)
		}
		slices.Sort(step.want)
		eventually(t, func() string {
			google, fake := pushes(t, w.google), pushes(t, w.fake)
			if got := targets(google[before:]); !slices.Equal(got, step.want) {
				return step.name + ": Tinode itself has pushed to " + strings.Join(got, " ") + ", not to " + strings.Join(step.want, " ")
			}
			if differ := compare(t, google, fake); differ != "" {
				return step.name + ": pushes differ:\n" + differ
			}
			return ""
		})
	}
	counted(t, "%d things that people did, %d pushes, equal to Tinode's own", done, len(pushes(t, w.google)))
}
