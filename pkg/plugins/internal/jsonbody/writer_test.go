package jsonbody_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
)

// marshal is what encoding/json makes of v, without escapes for HTML.
func marshal(t *testing.T, v any) string {
	t.Helper()
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// FuzzWriter: the same bytes as encoding/json's, whatever is written.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{
		"", "plain", "Grüße, мир 😀", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "<script>&", "\u2028\u2029", "\ufffd", "\xff\xc3(\xed\xa0\x80", "a\xf0\x9f",
	} {
		f.Add(s, s+"x", 0)
		f.Add("name", s, -1)
	}
	f.Fuzz(func(t *testing.T, name, value string, n int) {
		if name == "" {
			name = "a"
		}
		var w jsonbody.Writer
		w.Begin("")
		w.Begin("1")
		w.String("value", value)
		w.NonEmpty("text", value)
		w.List("texts", []string{value, name})
		w.Int("int", n)
		w.True("true", n > 0)
		w.End()
		w.Map("2", map[string]string{name: value})
		w.NonZero("3", n)
		w.List("none", nil)
		w.Map("empty", nil)
		w.End()
		want := marshal(t, struct {
			Object any               `json:"1"`
			Map    map[string]string `json:"2"`
			Number int               `json:"3,omitempty"`
			Empty  struct{}          `json:"empty"`
		}{
			Object: struct {
				Value string   `json:"value"`
				Text  string   `json:"text,omitempty"`
				Texts []string `json:"texts"`
				Int   int      `json:"int"`
				True  bool     `json:"true,omitempty"`
			}{value, value, []string{value, name}, n, n > 0},
			Map: map[string]string{name: value}, Number: n,
		})
		if string(w) != want {
			t.Errorf("got  %s\nwant %s", w, want)
		}
	})
}

func TestMapIsSorted(t *testing.T) {
	t.Parallel()
	many := make(map[string]string)
	for c := 'a'; c <= 'z'; c++ {
		many[string(c)] = "x"
	}
	want := marshal(t, map[string]any{"m": many})
	var w jsonbody.Writer
	w.Begin("")
	w.Map("m", many)
	w.End()
	if string(w) != want {
		t.Errorf("got  %s\nwant %s", w, want)
	}
}
