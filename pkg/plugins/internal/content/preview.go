package content

import (
	"encoding/json"
	"unicode/utf8"
)

const (
	// maxCharacters is how many characters (grapheme clusters) of the text a preview
	// has; there is no ellipsis, the app draws it.
	maxCharacters = 128
	// maxDetail is the length from which on a string in the data of an entity is
	// left out, in bytes.
	maxDetail = 128
)

// previewDocument is a document cut for data.rc. The order of members is that of
// Tinode.
type previewDocument struct {
	Text     string          `json:"txt,omitempty"`
	Spans    []previewSpan   `json:"fmt,omitempty"`
	Entities []previewEntity `json:"ent,omitempty"`
}

type previewSpan struct {
	Tp  string `json:"tp,omitempty"`
	At  int    `json:"at,omitempty"`
	Len int    `json:"len,omitempty"`
	Key int    `json:"key,omitempty"`
}

type previewEntity struct {
	Tp   string         `json:"tp,omitempty"`
	Data map[string]any `json:"data,omitempty"`
}

// preview is the JSON text of the document cut to limit characters: without
// quotes, without the text of files and line breaks, and of the entities only the
// small details that an app needs to draw them.
func (d *document) preview(limit int) string {
	p := previewer{d: d, limit: limit}
	if len(d.spans) == 0 {
		p.out.Text = d.wholeUntil(len(cutCharacters(d.text, limit)))
		if p.out.Text != "" && isPlain(p.out.Text) { // as most are
			return `{"txt":"` + p.out.Text + `"}`
		}
	} else {
		d.walk(&p)
		p.out.Text = string(p.txt)
	}
	text, err := json.Marshal(&p.out)
	if err != nil { // strings, numbers and their like always marshal
		return "{}"
	}
	return string(text)
}

// isPlain reports whether encoding/json writes s as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return isVerbatim(s)
}

// previewer is the visitor that makes a preview.
type previewer struct {
	d     *document
	limit int
	out   previewDocument
	txt   []byte
	count int         // characters in txt
	cut   bool        // there is more text than fits
	keys  map[int]int // from an entity's index to that in out
}

func (p *previewer) full() bool { return p.cut || p.count >= p.limit }

func (p *previewer) text(from, to int) {
	if end := from + p.limit - p.count; end < to {
		p.cut, to = true, p.d.joint(from, end)
	}
	p.txt = append(p.txt, p.d.slice(from, to)...)
	p.count += to - from
}

func (p *previewer) open(s *span) bool {
	s.mark = p.count
	return s.tp != spanBreak && s.tp != spanFile && s.tp != spanQuote
}

func (p *previewer) close(s *span) {
	length := p.count - s.mark
	switch {
	case s.tp == spanQuote, s.mark >= p.limit:
		return
	case s.tp == spanBreak && (p.count == 0 || s.at == unplaced):
		return
	case length == 0 && s.at != unplaced && s.tp != spanBreak && s.tp != spanFile:
		return
	}
	out := previewSpan{Tp: s.tp, At: s.mark, Len: length}
	if s.at == unplaced {
		out.At = unplaced
	}
	if e := p.d.entity(s); e.data != nil {
		out.Tp, out.Key = "", p.key(s.key, e)
	}
	p.out.Spans = append(p.out.Spans, out)
}

// key returns the index in the preview of the entity with index i.
func (p *previewer) key(i int, e *entity) int {
	if k, ok := p.keys[i]; ok {
		return k
	}
	if p.keys == nil {
		p.keys = make(map[int]int)
	}
	k := len(p.out.Entities)
	p.keys[i] = k
	p.out.Entities = append(p.out.Entities, previewEntity{Tp: e.tp, Data: details(e.data)})
	return k
}

// details picks from the data of an entity what a preview has: a few keys, with
// values that are no objects or arrays, and no long strings.
func details(data map[string]json.RawMessage) map[string]any {
	picked := make(map[string]any)
	for _, key := range [...]string{"mime", "name", "width", "height", "size", "url", "ref"} {
		raw, ok := data[key]
		if !ok || raw[0] == '{' || raw[0] == '[' {
			continue
		}
		var value any
		if json.Unmarshal(raw, &value) != nil {
			continue
		}
		if s, isString := value.(string); isString && len(s) >= maxDetail {
			continue
		}
		picked[key] = value
	}
	return picked
}
