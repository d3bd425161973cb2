package jsonbody_test

import (
	"encoding/json"
	"testing"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
)

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
		w.Any("3", value)
		w.List("none", nil)
		w.Map("empty", nil)
		w.End()
		want, err := json.Marshal(struct {
			Object any               `json:"1"`
			Map    map[string]string `json:"2"`
			Any    string            `json:"3"`
			Empty  struct{}          `json:"empty"`
		}{
			Object: struct {
				Value string   `json:"value"`
				Text  string   `json:"text,omitempty"`
				Texts []string `json:"texts"`
				Int   int      `json:"int"`
				True  bool     `json:"true,omitempty"`
			}{value, value, []string{value, name}, n, n > 0},
			Map: map[string]string{name: value}, Any: value,
		})
		if err != nil {
			t.Fatal(err)
		}
		if string(w) != string(want) {
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
	want, err := json.Marshal(map[string]any{"m": many})
	if err != nil {
		t.Fatal(err)
	}
	var w jsonbody.Writer
	w.Begin("")
	w.Map("m", many)
	w.End()
	if string(w) != string(want) {
		t.Errorf("got  %s\nwant %s", w, want)
	}
}
