package content

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// draftyCase is what the chat server makes of a content: v0.25.3, limit 128.
// Without Plain, it refuses the content.
type draftyCase struct {
	In    json.RawMessage `json:"in"`
	Plain *string         `json:"plain"` // not yet cut
	RC    string          `json:"rc"`
}

func draftyCases(tb testing.TB) []draftyCase {
	tb.Helper()
	text, err := os.ReadFile("testdata/drafty.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	var cases []draftyCase
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var c draftyCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatal(err)
		}
		cases = append(cases, c)
	}
	if len(cases) < 600 {
		tb.Fatalf("only %d cases", len(cases))
	}
	return cases
}

// said is what apps get of a content.
type said struct{ plain, preview string }

func (c Text) said() said { return said{c.Plain, c.Preview} }

// ours are the improvements that concern content.
var ours = Rules{Tolerate: true, WholeCharacters: true}

func TestContentAsOriginal(t *testing.T) {
	t.Parallel()
	for _, c := range draftyCases(t) {
		got, err := Read(c.In, "", Rules{})
		if (err != nil) != (c.Plain == nil) {
			t.Errorf("%s: error %v, want one: %t", c.In, err, c.Plain == nil)
		}
		if err != nil || c.Plain == nil {
			continue
		}
		if want := (said{cutRunes(*c.Plain), c.RC}); got.said() != want {
			t.Errorf("%s: got %+v, want %+v", c.In, got.said(), want)
		}
	}
}

// TestContentThatMakesNoSense: what cannot be placed costs itself and not the words
// of the message, and every message has some.
func TestContentThatMakesNoSense(t *testing.T) {
	t.Parallel()
	const abc = `{"txt":"abc"}`
	image := func(span string) string {
		return `{"txt":" ","fmt":[` + span + `],"ent":[{"tp":"IM","data":{"name":"cat.jpg"}}]}`
	}
	const cat, catRC = "[IMAGE 'cat.jpg']", `{"txt":" ","fmt":[{"at":-1}],"ent":[{"tp":"IM","data":{"name":"cat.jpg"}}]}`
	for in, want := range map[string]said{
		`42`:                             {plain: "42"},
		`-1.5e3`:                         {plain: "-1.5e3"},
		`true`:                           {plain: "true"},
		`[]`:                             {plain: "[MESSAGE]"},
		`["a",1]`:                        {plain: "[MESSAGE]"},
		`{}`:                             {plain: "[MESSAGE]"},
		`{"foo":"bar"}`:                  {plain: "[MESSAGE]"},
		`{"foo"}`:                        {plain: "[MESSAGE]"},
		`{"txt":7}`:                      {plain: "[MESSAGE]"},
		`{"txt":null,"fmt":[]}`:          {plain: "[MESSAGE]"},
		`"unfinished`:                    {plain: "[MESSAGE]"},
		``:                               {},
		`""`:                             {"", `{}`},
		`" "`:                            {"", `{"txt":" "}`},
		`{"txt":"abc","fmt":[5]}`:        {"abc", abc},
		`{"txt":"abc","ent":[5]}`:        {"abc", abc},
		`{"txt":"abc","ent":[{"tp":5}]}`: {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":-2,"len":1}]}`:                       {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":2,"len":-1}]}`:                       {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":1,"len":9223372036854775807}]}`:      {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":1e300,"len":1e300}]}`:                {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":1e999}]}`:                            {"abc", abc},
		`{"txt":"abc","fmt":[{"len":1,"key":1e18}],"ent":[{"tp":"LN"}]}`:          {"abc", abc},
		`{"txt":"abc","fmt":[{"len":1,"key":"0"}],"ent":[{"tp":"LN"}]}`:           {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","len":1,"at":"0"}]}`:                      {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","len":1},{"tp":"EM","at":9,"len":1}]}`:    {"*a*bc", `{"txt":"abc","fmt":[{"tp":"ST","len":1}]}`},
		`{"txt":"abcdef","fmt":[{"tp":"ST","len":4},{"tp":"EM","at":2,"len":4}]}`: {"*abcd*ef", `{"txt":"abcdef","fmt":[{"tp":"ST","len":4}]}`},
		`{"txt":"abcdef","fmt":[{"tp":"QQ","len":4},{"tp":"EM","at":2,"len":4}]}`: {"ef", `{"txt":"ef"}`},
		`{"txt":"quoted","fmt":[{"tp":"QQ","len":6}]}`:                            {"[MESSAGE]", `{}`},

		image(`{"at":0,"len":1}`):            {cat, `{"txt":" ","fmt":[{"len":1}],"ent":[{"tp":"IM","data":{"name":"cat.jpg"}}]}`},
		image(`{"at":9,"len":1}`):            {cat, catRC},
		image(`{"at":-2}`):                   {cat, catRC},
		image(`{"len":-1}`):                  {cat, catRC},
		image(`{"at":"0","len":1}`):          {cat, catRC},
		image(`{"at":0,"len":1,"key":7}`):    {cat, catRC},
		image(`{"at":0,"len":1,"key":"0"}`):  {cat, catRC},
		image(`5`):                           {cat, catRC},
		image(``):                            {cat, catRC},
		image(`null`):                        {cat, catRC},
		`{"ent":[{"tp":"EX"}]}`:              {"[FILE '?']", `{"fmt":[{"tp":"EX","at":-1}]}`},
		`{"fmt":[{"tp":"VC","at":5}]}`:       {"[CALL]", `{"fmt":[{"tp":"VC","at":-1}]}`},
		`{"txt":"a","ent":[5,{"tp":"AU"}]}`:  {"[AUDIO '?']a", `{"txt":"a","fmt":[{"tp":"AU","at":-1}]}`},
		`{"txt":"","ent":[{"tp":"custom"}]}`: {"[MESSAGE]", `{}`},
		`{"txt":"abcd","fmt":[{"tp":"ST","len":2},{"at":1,"len":3}],"ent":[{"tp":"IM"}]}`:     {"*[IMAGE '?']ab*cd", `{"txt":"abcd","fmt":[{"tp":"IM","at":-1},{"tp":"ST","len":2}]}`},
		`{"txt":"abc","fmt":[{"at":-1,"len":3,"key":0}],"ent":[{"tp":"IM","data":{"n":{}}}]}`: {"[IMAGE '?']abc", `{"txt":"abc","fmt":[{"at":-1}],"ent":[{"tp":"IM"}]}`},
	} {
		got, _ := Read(json.RawMessage(in), "", ours)
		if got.said() != want {
			t.Errorf("%s: got %+v, want %+v", in, got.said(), want)
		}
	}
}

// TestStandIn: a message without words of people's says what it is, from its MIME
// type when nothing else is known, and is told apart from one with words.
func TestStandIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, mime, want string
		standIn        bool
	}{
		{`{"foo":1}`, "image/jpeg", "[IMAGE '?']", true},
		{``, "audio/aac", "[AUDIO '?']", true},
		{`""`, "video/mp4", "[VIDEO '?']", true},
		{``, "text/plain", "", false},
		{`[]`, "text/plain", "[MESSAGE]", true},
		{`{"ent":[{"tp":"IM"}]}`, "", "[IMAGE '?']", true},
		{`{"txt":" ","fmt":[{"len":1}],"ent":[{"tp":"IM"}]}`, "", "[IMAGE '?']", true},
		{`{"ent":[{"tp":"IM","data":{"name":"cat.jpg"}}]}`, "", "[IMAGE 'cat.jpg']", false},
		{`{"txt":"look","fmt":[{"at":-1}],"ent":[{"tp":"IM"}]}`, "", "[IMAGE '?']look", false},
		{`"words"`, "image/jpeg", "words", false},
	} {
		got, _ := Read(json.RawMessage(tt.in), tt.mime, ours)
		if got.Plain != tt.want || got.StandIn != tt.standIn {
			t.Errorf("%s %s: got %q, stand-in %t, want %q, %t", tt.in, tt.mime, got.Plain, got.StandIn, tt.want, tt.standIn)
		}
	}
}

// TestContentOfProcess takes content that never was JSON, from plain push.Push.
func TestContentOfProcess(t *testing.T) {
	t.Parallel()
	drafty := map[string]any{"txt": "bold", "fmt": []any{map[string]any{"tp": "ST", "len": 4}}}
	for _, tt := range []struct {
		in   any
		want said
		ok   bool
	}{
		{nil, said{}, true},
		{(map[string]any)(nil), said{}, true},
		{json.RawMessage("null"), said{}, true},
		{json.RawMessage(nil), said{}, true},
		{"plain", said{"plain", `{"txt":"plain"}`}, true},
		{drafty, said{"*bold*", `{"txt":"bold","fmt":[{"tp":"ST","len":4}]}`}, true},
		{42, said{}, false},
		{make(chan int), said{}, false},
	} {
		got, err := Read(tt.in, "", Rules{})
		if got.said() != tt.want || (err == nil) != tt.ok {
			t.Errorf("%v: got %+v, %v, want %+v, ok %t", tt.in, got.said(), err, tt.want, tt.ok)
		}
	}
}

func TestPlainTextIsCut(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("é", maxRunes)
	link := "https://example.com/" + strings.Repeat("x", maxPlain)
	for name, tt := range map[string]struct{ in, want string }{
		"fits":           {many, many},
		"spaces around":  {"  " + many + "\n ", many},
		"one more":       {many + "z", many + Ellipsis},
		"formatted":      {`{"txt":"` + many + `zz","fmt":[{"tp":"ST","len":130}]}`, "*" + strings.Repeat("é", maxRunes-1) + Ellipsis},
		"link as text":   {`{"txt":"` + link + `","fmt":[{"len":` + strconv.Itoa(len(link)) + `}],"ent":[{"tp":"LN","data":{"url":"` + link + `"}}]}`, link[:maxRunes] + Ellipsis},
		"much white":     {strings.Repeat(" ", 2*maxPlain) + "x", "x"},
		"white and bold": {`{"txt":"` + strings.Repeat(" ", 2*maxPlain) + `x","fmt":[{"tp":"ST","at":` + strconv.Itoa(2*maxPlain) + `,"len":1}]}`, "*x*"},
	} {
		in := json.RawMessage(tt.in)
		if in[0] != '{' {
			in, _ = json.Marshal(tt.in)
		}
		got, err := Read(in, "", Rules{})
		if err != nil || got.Plain != tt.want {
			t.Errorf("%s: got %q, %v, want %q", name, got.Plain, err, tt.want)
		}
	}
}

// TestTextIsCutBetweenCharacters puts each character at the limit, plain and
// formatted, and looks for a part of it.
func TestTextIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]string{
		"family": "👨‍👩‍👧‍👦", "flag": "🇩🇪", "accent": "e\u0301", "keycap": "1️⃣", "conjunct": "क्ष", "syllable": "각",
		"skin": "👍🏽", "England": "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ligature": "ক্ষ", "four conjuncts": "न्त्र्य",
	} {
		for before := maxRunes - 10; before <= maxRunes+1; before++ {
			letters := strings.Repeat("x", before)
			text := letters + c + strings.Repeat(c, 10)
			plain, _ := json.Marshal(text)
			drafty := `{"txt":` + string(plain) + `,"fmt":[{"tp":"XX","len":5}]}`
			for _, in := range []string{string(plain), drafty} {
				got, err := Read(json.RawMessage(in), "", ours)
				if err != nil {
					t.Fatal(err)
				}
				var rc struct{ Txt string }
				if err := json.Unmarshal([]byte(got.Preview), &rc); err != nil {
					t.Fatal(err)
				}
				for _, cut := range []string{strings.TrimSuffix(got.Plain, Ellipsis), rc.Txt} {
					rest, found := strings.CutPrefix(text, cut)
					n := (len(rest) - max(0, before-len(cut))) % len(c)
					if !found || n != 0 || len(cut) < min(before, maxRunes-4) {
						t.Errorf("%s after %d letters is cut: %q", name, before, cut[max(0, len(cut)-20):])
					}
				}
			}
		}
	}
}

// hostile makes documents of about size bytes that are meant to cost much.
func hostile(size int) map[string]string {
	repeat := func(s string, each int) string { return strings.TrimSuffix(strings.Repeat(s+",", size/each), ",") }
	text, url := strings.Repeat("x", size/4), strings.Repeat("u", size/4)
	quarter := strconv.Itoa(size / 4)
	whole := `{"len":` + quarter + `,"tp":"ST"}`
	return map[string]string{
		"nested spans":  `{"txt":"` + text + `","fmt":[` + repeat(whole, len(whole)+1) + `]}`,
		"nested links":  `{"txt":"` + text + `","fmt":[` + repeat(`{"len":`+quarter+`}`, 20) + `],"ent":[{"tp":"LN","data":{"url":"` + url + `"}}]}`,
		"equal links":   `{"txt":"` + url + `","fmt":[` + repeat(`{"len":`+quarter+`}`, 20) + `],"ent":[{"tp":"LN","data":{"url":"` + url + `"}}]}`,
		"one long name": `{"txt":"` + text + `","fmt":[` + repeat(`{"at":-1}`, 10) + `],"ent":[{"tp":"IM","data":{"name":"` + url + `"}}]}`,
		"attachments":   `{"txt":"x","fmt":[` + repeat(`{"at":-1,"tp":"EX"}`, 20) + `]}`,
		"breaks":        `{"txt":"x","fmt":[` + repeat(`{"at":1,"tp":"BR"}`, 19) + `]}`,
		"deep":          `{"txt":"x","ent":[{"tp":"IM","data":` + strings.Repeat("[", size) + strings.Repeat("]", size) + `}]}`,
		"accents":       `{"txt":"` + strings.Repeat("\u0301", size/2) + `","fmt":[{"tp":"ST","len":1}]}`,
		"flags":         `{"txt":"` + strings.Repeat("🇩", size/4) + `","fmt":[{"tp":"ST","len":1}]}`,
		"white":         `{"txt":"` + strings.Repeat(" ", size) + `"}`,
	}
}

// TestHostileContentIsLinear counts steps instead of time: a visitor is called at
// most three times for each span, and what comes out is no larger than what went
// in allows.
func TestHostileContentIsLinear(t *testing.T) {
	t.Parallel()
	const size = 100_000
	for name, in := range hostile(size) {
		d, err := parseDocument(json.RawMessage(in))
		if d == nil {
			if err == nil {
				t.Errorf("%s: neither document nor error", name)
			}
			continue
		}
		count := counter(0)
		d.walk(&count)
		if most := 3*len(d.spans) + 1; int(count) > most {
			t.Errorf("%s: %d steps for %d spans", name, count, len(d.spans))
		}
		if text, _ := d.plainText(); utf8.RuneCountInString(text) > maxRunes+1 {
			t.Errorf("%s: plain text of %d runes", name, utf8.RuneCountInString(text))
		}
		if n := len(d.preview(maxCharacters)); n > 2*len(in)+64 {
			t.Errorf("%s: preview of %d bytes from %d", name, n, len(in))
		}
	}
}

// TestHostileContentAllocatesLinearly also catches a string that is decoded or
// copied once for each span. It must run alone.
func TestHostileContentAllocatesLinearly(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	for name, in := range hostile(200_000) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Read(json.RawMessage(in), "", ours)
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(100*len(in)); got > most {
			t.Errorf("%s: %d bytes allocated for %d, want at most %d", name, got, len(in), most)
		}
	}
}

// counter counts the calls of a walk.
type counter int

func (c *counter) full() bool      { return false }
func (c *counter) text(_, _ int)   { *c++ }
func (c *counter) open(*span) bool { *c++; return true }
func (c *counter) close(*span)     { *c++ }
