package notice

import (
	"github.com/clipperhouse/uax29/v2/graphemes"

	"github.com/pushworker/pushworker/pkg/plugins/internal/content"
)

const (
	// maxID and maxMark bound what names a thing, so that what cannot be left out
	// always fits. Real names are far shorter.
	maxID   = 128
	maxMark = 48
	// fixedRoom is what the members need that are always the same, in Apple's
	// payload; Android's need less.
	fixedRoom = 200
	// entryRoom is what JSON adds to a key and its value.
	entryRoom = 6
)

// boundIDs cuts names that no chat server gives.
func (t *Template) boundIDs() {
	t.Topic = cutText(t.Topic, maxID)
	t.From = cutText(t.From, maxID)
	t.ContentType = cutText(t.ContentType, maxID)
	t.Webrtc = cutText(t.Webrtc, maxMark)
	t.Replace = cutText(t.Replace, maxMark)
}

// fit makes the push small enough for limit bytes, before its sections are made:
// it leaves out the preview, then cuts the content, then the text of the
// notification. The rest always fits: its parts are bounded, here and by the
// check of the configuration.
func (v *View) fit(limit int) {
	if !v.Settings.Improvements.Shrink {
		return
	}
	over := v.size() - limit
	if over <= 0 {
		return
	}
	if rc, ok := v.Data["rc"]; ok {
		delete(v.Data, "rc")
		over -= entrySize("rc", rc)
	}
	if text, ok := v.Data["content"]; ok && over > 0 {
		v.Data["content"] = shorten(text, over)
		over -= textSize(text) - textSize(v.Data["content"])
	}
	if copies := v.copies(); over > 0 {
		v.Text = shorten(v.Text, (over+copies-1)/copies)
	}
}

// size is how large the push is at most, on any platform: Apple counts the data as
// JSON within its payload, with the notification beside it.
func (v *View) size() int {
	size := fixedRoom
	for key, value := range v.Data {
		size += entrySize(key, value)
	}
	if c := v.Settings; c.Android.Enabled || c.APNS.Enabled || c.Webpush.Enabled && c.Improvements.AllKeys {
		size += c.room + v.copies()*textSize(v.Text)
	}
	return size + textSize(v.Topic)
}

// copies is how often the notification repeats the content at most.
func (v *View) copies() int { return max(1, v.Settings.repeats) }

func entrySize(key, value string) int { return len(key) + textSize(value) + entryRoom }

// textSize is the length of s in JSON.
func textSize(s string) int {
	size := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c > '\\' && c != 0xe2: // as most are
		case c == '"', c == '\\':
			size++
		case c < ' ':
			size += 5
		case c == 0xe2 && (s[i:min(i+3, len(s))] == "\u2028" || s[i:min(i+3, len(s))] == "\u2029"):
			size += 3 // escaped
		}
	}
	return size
}

// shorten takes at least over bytes off s, as JSON counts them, and marks the cut.
func shorten(s string, over int) string {
	room := textSize(s) - over - len(content.Ellipsis)
	if room <= 0 {
		return ""
	}
	return cutText(s, room) + content.Ellipsis
}

// cutText returns the beginning of s, at most size bytes in JSON, without splitting
// a character.
func cutText(s string, size int) string {
	if len(s)*6 <= size {
		return s
	}
	end := 0
	for it := graphemes.FromString(s); it.Next(); end = it.End() {
		if size -= textSize(it.Value()); size < 0 {
			return s[:end]
		}
	}
	return s
}
