package content

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func addSeeds(f *testing.F) {
	f.Helper()
	for _, c := range draftyCases(f) {
		f.Add([]byte(c.In))
	}
	for _, in := range hostile(400) {
		f.Add([]byte(in))
	}
	f.Add([]byte("\tnull\n"))
}

// FuzzPlainText finds content that panics, that is not cut, or whose text is lost
// although it is there.
func FuzzPlainText(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Read(json.RawMessage(raw), "", Rules{})
		n := utf8.RuneCountInString(c.Plain)
		if n > maxRunes+1 || n > maxRunes && !strings.HasSuffix(c.Plain, Ellipsis) {
			t.Errorf("%d runes: %q", n, c.Plain)
		}
		if !utf8.ValidString(c.Plain) {
			t.Errorf("not UTF-8: %q", c.Plain)
		}
		var plain string
		if json.Unmarshal(raw, &plain) == nil {
			if want := cutRunes(strings.TrimSpace(plain)); err != nil || c.Plain != want {
				t.Errorf("got %q, %v, want %q", c.Plain, err, want)
			}
		}
	})
}

// FuzzPreview finds previews that panic, are no JSON, are not cut, or point outside
// themselves. A preview is a document: reading it again changes nothing but what
// stands where it cannot stand twice.
func FuzzPreview(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, _ := Read(json.RawMessage(raw), "", ours)
		if c.Preview == "" {
			return
		}
		var p previewDocument
		if err := json.Unmarshal([]byte(c.Preview), &p); err != nil {
			t.Fatalf("%s: %v", c.Preview, err)
		}
		length := uniseg.GraphemeClusterCount(p.Text)
		if length > maxCharacters {
			t.Errorf("%d characters: %s", length, c.Preview)
		}
		for _, s := range p.Spans {
			if s.At < unplaced || s.Len < 0 || s.At+s.Len > maxCharacters {
				t.Errorf("span %+v is outside of %s", s, c.Preview)
			}
			if s.Key < 0 || s.Key > 0 && s.Key >= len(p.Entities) {
				t.Errorf("span %+v has no entity in %s", s, c.Preview)
			}
		}
		for _, e := range p.Entities {
			for key, value := range e.Data {
				if s, ok := value.(string); ok && len(s) >= 6*maxDetail {
					t.Errorf("detail %q has %d bytes", key, len(s))
				}
			}
		}
	})
}
