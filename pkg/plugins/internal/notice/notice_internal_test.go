package notice

import (
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const alice, bob = push.Uid(1), push.Uid(2)

var sentAt = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestCollapseID(t *testing.T) {
	t.Parallel()
	base := push.Payload{What: push.ActMsg, Topic: "grpnG99YhENiQU", SeqId: 42, Timestamp: sentAt}
	seen := map[string]string{collapseID(&base, base.Topic): "base"}
	for name, edit := range map[string]func(p *push.Payload){
		"seq":    func(p *push.Payload) { p.SeqId = 43 },
		"topic":  func(p *push.Payload) { p.Topic = "grpother" },
		"action": func(p *push.Payload) { p.What = push.ActRead },
		"sub":    func(p *push.Payload) { p.What = push.ActSub },
		"sub, a moment later": func(p *push.Payload) {
			p.What, p.Timestamp = push.ActSub, sentAt.Add(time.Millisecond)
		},
		"sub, no time":      func(p *push.Payload) { p.What, p.Timestamp = push.ActSub, time.Time{} },
		"long topic":        func(p *push.Payload) { p.Topic = strings.Repeat("x", 500) },
		"other long topic":  func(p *push.Payload) { p.Topic = strings.Repeat("x", 501) },
		"topic not for web": func(p *push.Payload) { p.Topic = "grp x\r\n" },
		"no topic":          func(p *push.Payload) { p.Topic = "" },
		"raw p2p":           func(p *push.Payload) { p.Topic = push.P2PTopic(alice, bob) },
		"largest seq":       func(p *push.Payload) { p.SeqId = 1<<63 - 1 },
		"negative seq":      func(p *push.Payload) { p.SeqId = -1 << 63 },
	} {
		p := base
		edit(&p)
		id := collapseID(&p, p.Topic)
		if other, taken := seen[id]; taken {
			t.Errorf("%s has the identity of %s: %q", name, other, id)
		}
		seen[id] = name
		if len(id) > maxCollapseID || !isBase64URL(id) || id == "" {
			t.Errorf("%s: %q is nothing for the header of web push", name, id)
		}
	}
}

func TestCutText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		size int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
		{"abc", -5, ""},
		{"aé", 2, "a"},
		{"aé", 3, "aé"},
		{"😀", 3, ""},
		{`a"b`, 3, `a"`},
		{`a"b`, 2, "a"},
		{"a\x01b", 6, "a"},
		{"a\x01b", 7, "a\x01"},
		{"a\xffb", 2, "a\xff"},
	} {
		if got := cutText(tt.in, tt.size); got != tt.want {
			t.Errorf("cutText(%q, %d) = %q, want %q", tt.in, tt.size, got, tt.want)
		}
	}
}
