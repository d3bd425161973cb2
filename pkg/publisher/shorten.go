package publisher

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/pushworker/pushworker/pkg/push"
)

// ellipsis ends a text that was cut.
const ellipsis = "…"

// inline is how long a text in an entity of a Drafty document may be to stay in it. Names,
// types and addresses are shorter; pictures and files in base64 are longer.
const inline = 512

// shortened is r, with content of at most limit bytes of JSON. r is not changed.
func shortened(r *push.Receipt, limit int) *push.Receipt {
	text, err := plainJSON(r.Payload.Content)
	if err != nil || len(text) <= limit {
		return r // what is no JSON is refused when it is encoded
	}
	short := &push.Receipt{To: r.To, Channel: r.Channel, Payload: r.Payload}
	short.Payload.Content = shorter(text, limit)
	return short
}

// shorter is what remains of content, which is JSON of more than limit bytes; nil if nothing.
func shorter(content []byte, limit int) any {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return cut(text, limit)
	}
	var document map[string]any
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	if d.Decode(&document) != nil {
		return nil
	}
	text, ok := document["txt"].(string)
	entities, _ := document["ent"].([]any)
	if !ok && len(entities) == 0 {
		return nil // not Drafty
	}
	for _, e := range entities {
		dropInline(e)
	}
	if left, err := plainJSON(document); err == nil && len(left) <= limit {
		return json.RawMessage(left)
	}
	return cut(text, limit) // spans no longer lie where they should
}

// dropInline removes long texts from the data of an entity.
func dropInline(entity any) {
	e, _ := entity.(map[string]any)
	data, _ := e["data"].(map[string]any)
	for name, value := range data {
		if s, ok := value.(string); ok && len(s) > inline {
			delete(data, name)
		}
	}
}

// cut is the beginning of text that takes at most limit bytes as JSON, with an ellipsis, as
// any; nil if there is no room for a character.
func cut(text string, limit int) any {
	room := limit - len(`""`+ellipsis)
	end := 0
	for end < len(text) {
		c, size := utf8.DecodeRuneInString(text[end:])
		if room -= quotedSize(c, size); room < 0 {
			break
		}
		end += size
	}
	if end == 0 {
		return nil
	}
	return text[:end] + ellipsis
}

// quotedSize is at least how many bytes c takes in a JSON text, of size bytes in UTF-8.
func quotedSize(c rune, size int) int {
	const escaped = len(`\u0000`)
	if c < ' ' || c == '"' || c == '\\' || c == '\u2028' || c == '\u2029' || c == utf8.RuneError {
		return escaped
	}
	return size
}

// plainJSON is v as it is published: without escapes for HTML.
func plainJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), err
}
