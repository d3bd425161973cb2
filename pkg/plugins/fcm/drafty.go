package fcm

import (
	"bytes"
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
	errFormat  = errors.New("formatting of the content makes no sense")
)

// document is formatted text: Drafty, as chat servers call it. A span covers part
// of the text and says how to show it, by itself or through an entity. Positions
// count what a reader takes for characters: grapheme clusters.
type document struct {
	text     string
	spans    []span
	entities []*entity
	bounds   []int // byte offset of each character and the end; nil if all are one byte
}

// span is sorted, checked and resolved.
type span struct {
	at, end int    // characters; at may be unplaced, and then end means nothing
	tp      string // of the span or of its entity
	key     int    // index of the entity, or -1
	mark    int    // scratch for who walks
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

// loose types take what is of their kind and ignore the rest.
type (
	looseString string
	looseObject map[string]json.RawMessage
)

// UnmarshalJSON implements [json.Unmarshaler].
func (l *looseString) UnmarshalJSON(b []byte) error {
	s, _ := stringValue(b)
	*l = looseString(s)
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *looseObject) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return nil
	}
	return json.Unmarshal(b, (*map[string]json.RawMessage)(l))
}

type rawSpan struct {
	Tp  looseString     `json:"tp"`
	At  float64         `json:"at"`
	Len float64         `json:"len"`
	Key json.RawMessage `json:"key"` // of no interest if there is a type
}

type rawEntity struct {
	Tp   looseString `json:"tp"`
	Data looseObject `json:"data"`
}

// parseDocument reads the content of a message: a JSON string or an object. When
// it fails because of the formatting, the document still has the text.
func parseDocument(raw json.RawMessage) (*document, error) {
	raw = bytes.TrimLeft(raw, " \t\r\n")
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
	spans, spanErr := decodeList[rawSpan](object.Fmt)
	entities, entityErr := decodeList[rawEntity](object.Ent)
	if err := errors.Join(spanErr, entityErr); err != nil {
		return &document{text: text}, err
	}
	if !isText && spans == nil && entities == nil {
		return nil, errContent
	}
	d := &document{text: text}
	if !d.resolve(spans, entities) {
		return &document{text: text}, errFormat
	}
	return d, nil
}

// decodeList reads an array of objects and leaves out nulls. Anything else but an
// array, and an empty one, is nil.
func decodeList[T any](raw json.RawMessage) ([]*T, error) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, nil
	}
	var list []*T
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errFormat
	}
	if len(list) == 0 {
		return nil, nil
	}
	return slices.DeleteFunc(list, func(e *T) bool { return e == nil }), nil
}

// resolve fills the document. It is false if the formatting makes no sense.
func (d *document) resolve(spans []*rawSpan, entities []*rawEntity) bool {
	d.entities = make([]*entity, len(entities))
	for i, e := range entities {
		if e.Tp == "" {
			return false
		}
		d.entities[i] = newEntity(e)
	}
	if len(spans) == 0 {
		return true
	}
	d.bounds = characterBounds(d.text)
	d.spans = make([]span, len(spans))
	for i, raw := range spans {
		s, ok := d.span(raw)
		if !ok {
			return false
		}
		d.spans[i] = s
	}
	slices.SortStableFunc(d.spans, func(a, b span) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return b.end - a.end // the outer one first
	})
	return true
}

func (d *document) span(raw *rawSpan) (span, bool) {
	length := float64(d.length())
	at, width := math.Trunc(raw.At), math.Trunc(raw.Len)
	if at < unplaced || width < 0 || at > length || at+width > length {
		return span{}, false
	}
	s := span{at: int(at), end: int(at + width), tp: string(raw.Tp), key: -1}
	if s.tp != "" {
		return s, true
	}
	key, ok := d.key(raw.Key)
	if !ok || len(d.entities) == 0 {
		return s, ok && (s.end > 0 || s.at != 0 || key != 0)
	}
	s.key, s.tp = key, d.entities[key].tp
	return s, true
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
