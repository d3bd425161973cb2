package fcm

import (
	"encoding/json"
	"strconv"
	"strings"
)

// content is what a push says of a message's content.
type content struct {
	plain   string // data.content
	preview string // data.rc
	// standIn says that plain has no words of people's: it says what kind of thing the
	// message is.
	standIn bool
}

// readContent makes it of [push.Payload.Content] and its MIME type. With an error it
// has as much as could be read.
func readContent(value any, mime string, how Improvements) (content, error) {
	raw, err := rawContent(value)
	var d *document
	if err == nil && raw != nil {
		d, err = parseDocument(raw)
	}
	var c content
	if d != nil {
		d.whole = how.WholeCharacters
		c = d.content()
		if c.plain == "" && how.TolerateContent && d.sayEntities() {
			c = d.content()
		}
	}
	if c.plain == "" && how.TolerateContent {
		c.plain = standIn(raw, mime, d != nil && len(d.spans)+len(d.entities) == 0)
		c.standIn = c.plain != ""
	}
	return c, err
}

func (d *document) content() content {
	plain, spoken := d.plainText()
	return content{plain: plain, preview: d.preview(maxCharacters), standIn: plain != "" && !spoken}
}

// standIn is what a push says of a message without words: a number or a truth value
// is its own, else the kind of thing; "" if nothing was said, or only blanks.
func standIn(raw json.RawMessage, mime string, blank bool) string {
	if len(raw) > 0 && !blank {
		if _, err := strconv.ParseFloat(string(raw), 64); err == nil || string(raw) == "true" || string(raw) == "false" {
			return cutBytes(string(raw), maxRunes)
		}
	}
	kind, _, _ := strings.Cut(mime, "/")
	switch {
	case kind == "image":
		return kindOf(spanImage) + unnamed
	case kind == "audio":
		return kindOf(spanAudio) + unnamed
	case kind == "video":
		return kindOf(spanVideo) + unnamed
	case raw == nil, blank:
		return ""
	}
	return "[MESSAGE]"
}

// rawContent is the JSON text of a content; nil for none.
func rawContent(value any) (json.RawMessage, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		if len(v) == 0 || string(v) == "null" {
			return nil, nil
		}
		return v, nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, errContent // encoding/json's own error may quote the content
	}
	if string(raw) == "null" {
		return nil, nil
	}
	return raw, nil
}
