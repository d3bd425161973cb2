package content

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
)

// The types of spans that have a meaning of their own here; others are text with
// a style that only apps know.
const (
	spanStrong  = "ST"
	spanEmph    = "EM"
	spanDeleted = "DL"
	spanCode    = "CO"
	spanBreak   = "BR"
	spanQuote   = "QQ"
	spanLink    = "LN"
	spanImage   = "IM"
	spanFile    = "EX"
	spanAudio   = "AU"
	spanVideo   = "VD"
	spanCall    = "VC"
)

// unplaced is where a span stands that belongs to the message as a whole.
const unplaced = -1

var (
	errContent = errors.New("content is neither text nor formatted text")
	errFormat  = errors.New("formatting of the content is invalid")
)

// document is formatted text: Drafty, as chat servers call it. A span covers part
// of the text and says how to show it, by itself or through an entity. Positions
// count what a reader takes for characters: grapheme clusters.
type document struct {
	text     string
	spans    []span
	entities []*entity
	bounds   []int // byte offset of each character and the end; nil if all are one byte
	whole    bool  // cut between what are characters today, which join more than these
}

// span is sorted, checked and resolved.
type span struct {
	at, end int    // characters; at may be unplaced, and then end means nothing
	tp      string // of the span or of its entity
	key     int    // index of the entity, or -1
	mark    int    // scratch for the walk
}

// entity is what spans refer to. Many spans may refer to one.
type entity struct {
	tp    string
	data  map[string]json.RawMessage // nil if there is none
	name  string
	url   string
	links bool // there is an url, which may be empty
}

func newEntity(raw *rawEntity) *entity {
	e := &entity{tp: string(raw.Tp), data: raw.Data}
	e.name, _ = stringValue(e.data["name"])
	e.url, e.links = stringValue(e.data["url"])
	return e
}

// parseDocument reads the content of a message: a JSON string or an object. When
// it fails because of the formatting, the document still has the text.
func parseDocument(raw json.RawMessage) (*document, error) {
	if text, ok := stringValue(raw); ok {
		return &document{text: text}, nil
	}
	var object struct {
		Txt json.RawMessage `json:"txt"`
		Fmt json.RawMessage `json:"fmt"`
		Ent json.RawMessage `json:"ent"`
	}
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &object) != nil {
		return nil, errContent
	}
	text, isText := stringValue(object.Txt)
	spans, spanErr := decodeList[rawSpan](object.Fmt, nil)
	entities, entityErr := decodeList(object.Ent, &rawEntity{}) // spans count them
	if !isText && spans == nil && entities == nil {
		return nil, errContent
	}
	d := &document{text: text}
	err := errors.Join(spanErr, entityErr, d.resolve(spans, entities))
	if err != nil {
		d.sayEntities()
	}
	return d, err
}

// resolve fills the document with what makes sense of the formatting. The error says
// that something does not.
func (d *document) resolve(spans []*rawSpan, entities []*rawEntity) (err error) {
	d.entities = make([]*entity, len(entities))
	for i, e := range entities {
		if e.Tp == "" {
			err = errFormat
		}
		d.entities[i] = newEntity(e)
	}
	if len(spans) == 0 {
		return err
	}
	d.bounds = characterBounds(d.text)
	d.spans = make([]span, 0, len(spans))
	for _, raw := range spans {
		s, ok := d.span(raw)
		if !ok {
			err = errFormat
			if !isThing(s.tp) {
				continue
			}
			s.at, s.end = unplaced, unplaced
		}
		d.spans = append(d.spans, s)
	}
	slices.SortStableFunc(d.spans, func(a, b span) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return b.end - a.end // the outer one first
	})
	return err
}

// span reads a span. If it is false the span cannot be placed in the text; what it
// is, it says all the same, if it can be read.
func (d *document) span(raw *rawSpan) (span, bool) {
	length := float64(d.length())
	at, width := math.Trunc(raw.At), math.Trunc(raw.Len)
	s, ok := span{tp: string(raw.Tp), key: -1}, true
	if at < unplaced || width < 0 || at > length || at+width > length {
		ok = false
	} else {
		s.at, s.end = int(at), int(at+width)
	}
	if s.tp != "" {
		return s, ok
	}
	key, known := d.key(raw.Key)
	if !known || len(d.entities) == 0 {
		return s, ok && known && (s.end > 0 || s.at != 0 || key != 0)
	}
	s.key, s.tp = key, d.entities[key].tp
	return s, ok && s.tp != ""
}

// sayEntities adds to the message as a whole what no span refers to. It is false if
// there is nothing of the kind.
func (d *document) sayEntities() bool {
	referred := make([]bool, len(d.entities))
	for i := range d.spans {
		if key := d.spans[i].key; key >= 0 {
			referred[key] = true
		}
	}
	var said []span
	for i, e := range d.entities {
		if !referred[i] && isThing(e.tp) {
			said = append(said, span{at: unplaced, end: unplaced, tp: e.tp, key: i})
		}
	}
	if said == nil {
		return false
	}
	d.spans = append(said, d.spans...)
	if d.bounds == nil {
		d.bounds = characterBounds(d.text)
	}
	return true
}

// isThing reports whether what a span stands for is no text.
func isThing(tp string) bool {
	return tp == spanImage || tp == spanFile || tp == spanAudio || tp == spanVideo || tp == spanCall
}

// key reads the index of an entity; absent means the first one.
func (d *document) key(raw json.RawMessage) (int, bool) {
	var key float64
	if raw != nil && json.Unmarshal(raw, &key) != nil {
		return 0, false
	}
	key = math.Trunc(key)
	if key < 0 || key >= float64(len(d.entities)) && len(d.entities) > 0 {
		return 0, false
	}
	return int(min(key, math.MaxInt32)), true
}

// entity returns what s refers to; an empty one if it refers to none.
func (d *document) entity(s *span) *entity {
	if s.key < 0 {
		return &entity{}
	}
	return d.entities[s.key]
}

// length is the number of characters.
func (d *document) length() int {
	if d.bounds == nil {
		return len(d.text)
	}
	return len(d.bounds) - 1
}

// slice is the text from one character to another.
func (d *document) slice(from, to int) string {
	if d.bounds == nil {
		return d.text[from:to]
	}
	return d.text[d.bounds[from]:d.bounds[to]]
}
