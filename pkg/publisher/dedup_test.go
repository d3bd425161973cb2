package publisher_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	alice push.Uid = 0x0123456789abcdef
	bob   push.Uid = 0xfedcba9876543210
)

// base is the receipt from which the cases of these tests differ.
func base(change func(*push.Receipt)) *push.Receipt {
	r := &push.Receipt{
		To: map[push.Uid]push.Recipient{alice: {Delivered: 1, Unread: 3}, bob: {Devices: []string{"d"}}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpnG99YhENiQU", From: "usr782riWdFIwE", SeqId: 42,
			Timestamp: time.Date(2020, 3, 13, 9, 30, 15, 123e6, time.UTC), Content: "Hello",
		},
	}
	if change != nil {
		change(r)
	}
	return r
}

func sub(r *push.Receipt) { r.Payload.What = push.ActSub }

// bare has nothing but its content to tell it apart.
func bare(r *push.Receipt) { r.Payload.SeqId, r.Payload.Timestamp = 0, time.Time{} }

// The ids are a contract with publishers in other languages: a change of this
// table breaks them and needs a new prefix.
func TestDedupIDGolden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		receipt *push.Receipt
		want    string
	}{
		{"message", base(nil), "r2-maOtDcgiwec33u7D-fY5_fZj"},
		{"message without a seq", base(func(r *push.Receipt) { r.Payload.SeqId = 0 }), "r2-_8BZDQw5EB5QzTeNfycdRyLs"},
		{"subscription", base(func(r *push.Receipt) {
			sub(r)
			r.Payload.ModeWant, r.Payload.ModeGiven = 0x2f, 0xff
			r.Payload.Timestamp = time.Date(2020, 3, 13, 10, 30, 15, 0, time.FixedZone("", 3600))
		}), "r2-0swQlA2exKYk7wMNqvEAH_sF"},
		{"channel gone", &push.Receipt{Channel: "chnnG99YhENiQU", Payload: push.Payload{
			What: push.ActSub, Topic: "chnnG99YhENiQU", Timestamp: time.Date(2020, 3, 13, 9, 30, 15, 5e8, time.UTC), Silent: true,
		}}, "r2-qnftu_xum7AjX6NUG7UeKBbW"},
		{"call", base(func(r *push.Receipt) { r.Payload.Webrtc, r.Payload.Replace = "accepted", ":41" }), "r2-OZ4Wz4o63Rnfzg_8NMPQVT6s"},
		{"nothing but content", base(bare), "r2-ztPcPQ3NQxbTeT25BJkBz9oK"},
		{"empty", &push.Receipt{}, "r2-Jqw5Gx1qkEP_wS7FxBqlvJFo"},
	} {
		if got := publisher.DedupID(tt.receipt); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDedupIDSame(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]*push.Receipt{
		"unread, devices and sessions differ": {base(nil), base(func(r *push.Receipt) {
			r.To = map[push.Uid]push.Recipient{bob: {Unread: 9, Delivered: 2}, alice: {Devices: []string{"x"}}}
		})},
		"zone differs": {base(sub), base(func(r *push.Receipt) {
			sub(r)
			r.Payload.Timestamp = r.Payload.Timestamp.In(time.FixedZone("", -7200))
		})},
		"content is told by ts": {base(nil), base(func(r *push.Receipt) { r.Payload.Content = nil })},
	} {
		if a, b := publisher.DedupID(pair[0]), publisher.DedupID(pair[1]); a != b {
			t.Errorf("%s: %s and %s", name, a, b)
		}
	}
}

func TestDedupIDDiffers(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	form := regexp.MustCompile(`^r2-[A-Za-z0-9_-]{24}$`)
	for name, change := range map[string]func(*push.Receipt){
		"base":               nil,
		"what":               sub,
		"unknown what":       func(r *push.Receipt) { r.Payload.What = "reaction" },
		"topic":              func(r *push.Receipt) { r.Payload.Topic = "grpOther" },
		"topic and from run": func(r *push.Receipt) { r.Payload.Topic, r.Payload.From = "grpnG99YhENiQUusr", "782riWdFIwE" },
		"seq":                func(r *push.Receipt) { r.Payload.SeqId = 43 },
		"channel":            func(r *push.Receipt) { r.Channel = "chnnG99YhENiQU" },
		"from":               func(r *push.Receipt) { r.Payload.From = "" },
		"call":               func(r *push.Receipt) { r.Payload.Webrtc = "started" },
		"call answered":      func(r *push.Receipt) { r.Payload.Webrtc = "accepted" },
		"edit":               func(r *push.Receipt) { r.Payload.Replace = ":41" },
		"recipient less":     func(r *push.Receipt) { delete(r.To, bob) },
		"other recipient":    func(r *push.Receipt) { delete(r.To, alice) },
		"no recipient":       func(r *push.Receipt) { r.To = nil },
		"sub later": func(r *push.Receipt) {
			sub(r)
			r.Payload.Timestamp = r.Payload.Timestamp.Add(time.Millisecond)
		},
		"sub want": func(r *push.Receipt) {
			sub(r)
			r.Payload.ModeWant = 1
		},
		"sub given": func(r *push.Receipt) {
			sub(r)
			r.Payload.ModeGiven = 1
		},
		"read": func(r *push.Receipt) { r.Payload.What = push.ActRead },
		"read elsewhere": func(r *push.Receipt) { // all of a user's p2p topics have one name here
			r.Payload.What = push.ActRead
			r.Payload.Timestamp = r.Payload.Timestamp.Add(time.Second)
		},
		"conversation begun again": func(r *push.Receipt) { r.Payload.Timestamp = r.Payload.Timestamp.Add(time.Second) },
		"no time":                  func(r *push.Receipt) { r.Payload.Timestamp = time.Time{} },
		"no time, other content": func(r *push.Receipt) {
			r.Payload.Timestamp = time.Time{}
			r.Payload.Content = "Bye"
		},
		"bare": bare,
		"bare, other content": func(r *push.Receipt) {
			bare(r)
			r.Payload.Content = "Bye"
		},
		"no seq": func(r *push.Receipt) { r.Payload.SeqId = 0 },
		"no seq, later": func(r *push.Receipt) {
			r.Payload.SeqId = 0
			r.Payload.Timestamp = r.Payload.Timestamp.Add(time.Millisecond)
		},
	} {
		id := publisher.DedupID(base(change))
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q are both %s", name, other, id)
		}
		if !form.MatchString(id) {
			t.Errorf("%q has the id %q", name, id)
		}
		seen[id] = name
	}
}
