package content

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Text is what a push says of a message's content.
type Text struct {
	// Plain is the message as people read it, cut.
	Plain string
	// Preview is the formatted message as JSON, cut.
	Preview string
	// StandIn says that Plain has no words of people's: it says what kind of thing the
	// message is.
	StandIn bool
}

// Rules are the differences from Tinode that concern content.
type Rules struct {
	// Tolerate finds words for content that makes no sense, or has none.
	Tolerate bool
	// WholeCharacters cuts between what readers take for characters, and counts those,
	// where Tinode counts code points.
	WholeCharacters bool
}

// Read makes the text of a payload's content and its MIME type. With an error it
// has as much as could be read.
func Read(value any, mime string, how Rules) (Text, error) {
	raw, err := rawContent(value)
	var d *document
	if err == nil && raw != nil {
		d, err = parseDocument(raw)
	}
	var c Text
	if d != nil {
		d.whole = how.WholeCharacters
		c = d.summary()
		if c.Plain == "" && how.Tolerate && d.sayEntities() {
			c = d.summary()
		}
	}
	if c.Plain == "" && how.Tolerate {
		c.Plain = standIn(raw, mime, d != nil && len(d.spans)+len(d.entities) == 0)
		c.StandIn = c.Plain != ""
	}
	return c, err
}

func (d *document) summary() Text {
	plain, spoken := d.plainText()
	return Text{Plain: plain, Preview: d.preview(maxCharacters), StandIn: plain != "" && !spoken}
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

// rawContent is the JSON text of a content, without the blanks around it; nil for none.
func rawContent(value any) (json.RawMessage, error) {
	raw, ok := value.(json.RawMessage)
	if !ok && value != nil {
		var err error
		if raw, err = json.Marshal(value); err != nil {
			return nil, errContent // encoding/json's own error may quote the content
		}
	}
	raw = bytes.Trim(raw, " \t\r\n")
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	return raw, nil
}
