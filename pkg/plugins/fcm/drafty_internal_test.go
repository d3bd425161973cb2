package fcm

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

	"github.com/google/go-cmp/cmp"
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

func TestContentAsOriginal(t *testing.T) {
	t.Parallel()
	for _, c := range draftyCases(t) {
		got, err := readContent(c.In)
		if (err != nil) != (c.Plain == nil) {
			t.Errorf("%s: error %v, want one: %t", c.In, err, c.Plain == nil)
		}
		if err != nil || c.Plain == nil {
			continue
		}
		if diff := cmp.Diff(content{plain: cutRunes(*c.Plain), preview: c.RC}, got, cmp.AllowUnexported(content{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.In, diff)
		}
	}
}

func TestContentThatMakesNoSense(t *testing.T) {
	t.Parallel()
	const abc = `{"txt":"abc"}`
	for in, want := range map[string]content{
		`5`:                              {},
		`true`:                           {},
		`[]`:                             {},
		`{}`:                             {},
		`{"txt":7}`:                      {},
		`{"txt":null,"fmt":[]}`:          {},
		`"unfinished`:                    {},
		``:                               {},
		`{"txt":"abc","fmt":[5]}`:        {"abc", abc},
		`{"txt":"abc","ent":[5]}`:        {"abc", abc},
		`{"txt":"abc","ent":[{"tp":5}]}`: {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":-2,"len":1}]}`:                                   {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":2,"len":-1}]}`:                                   {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":1,"len":9223372036854775807}]}`:                  {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":1e300,"len":1e300}]}`:                            {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","at":1e999}]}`:                                        {"abc", abc},
		`{"txt":"abc","fmt":[{"len":1,"key":1e18}],"ent":[{"tp":"LN"}]}`:                      {"abc", abc},
		`{"txt":"abc","fmt":[{"len":1,"key":"0"}],"ent":[{"tp":"LN"}]}`:                       {"abc", abc},
		`{"txt":"abc","fmt":[{"tp":"ST","len":1,"at":"0"}]}`:                                  {"abc", abc},
		`{"txt":"abcdef","fmt":[{"tp":"ST","len":4},{"tp":"EM","at":2,"len":4}]}`:             {"*abcd*ef", `{"txt":"abcdef","fmt":[{"tp":"ST","len":4}]}`},
		`{"txt":"abcdef","fmt":[{"tp":"QQ","len":4},{"tp":"EM","at":2,"len":4}]}`:             {"ef", `{"txt":"ef"}`},
		`{"txt":"abc","fmt":[{"at":-1,"len":3,"key":0}],"ent":[{"tp":"IM","data":{"n":{}}}]}`: {"[IMAGE '?']abc", `{"txt":"abc","fmt":[{"at":-1}],"ent":[{"tp":"IM"}]}`},
	} {
		got, _ := readContent(json.RawMessage(in))
		if got != want {
			t.Errorf("%s: got %+v, want %+v", in, got, want)
		}
	}
}

// TestContentOfProcess takes content that never was JSON, from plain push.Push.
func TestContentOfProcess(t *testing.T) {
	t.Parallel()
	drafty := map[string]any{"txt": "bold", "fmt": []any{map[string]any{"tp": "ST", "len": 4}}}
	for _, tt := range []struct {
		in   any
		want content
		ok   bool
	}{
		{nil, content{}, true},
		{(map[string]any)(nil), content{}, true},
		{json.RawMessage("null"), content{}, true},
		{json.RawMessage(nil), content{}, true},
		{"plain", content{"plain", `{"txt":"plain"}`}, true},
		{drafty, content{"*bold*", `{"txt":"bold","fmt":[{"tp":"ST","len":4}]}`}, true},
		{42, content{}, false},
		{make(chan int), content{}, false},
	} {
		got, err := readContent(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%v: got %+v, %v, want %+v, ok %t", tt.in, got, err, tt.want, tt.ok)
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
		"one more":       {many + "z", many + ellipsis},
		"formatted":      {`{"txt":"` + many + `zz","fmt":[{"tp":"ST","len":130}]}`, "*" + strings.Repeat("é", maxRunes-1) + ellipsis},
		"link as text":   {`{"txt":"` + link + `","fmt":[{"len":` + strconv.Itoa(len(link)) + `}],"ent":[{"tp":"LN","data":{"url":"` + link + `"}}]}`, link[:maxRunes] + ellipsis},
		"much white":     {strings.Repeat(" ", 2*maxPlain) + "x", "x"},
		"white and bold": {`{"txt":"` + strings.Repeat(" ", 2*maxPlain) + `x","fmt":[{"tp":"ST","at":` + strconv.Itoa(2*maxPlain) + `,"len":1}]}`, "*x*"},
	} {
		in := json.RawMessage(tt.in)
		if in[0] != '{' {
			in, _ = json.Marshal(tt.in)
		}
		got, err := readContent(in)
		if err != nil || got.plain != tt.want {
			t.Errorf("%s: got %q, %v, want %q", name, got.plain, err, tt.want)
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
		if n := utf8.RuneCountInString(d.plainText()); n > maxRunes+1 {
			t.Errorf("%s: plain text of %d runes", name, n)
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
		_, _ = readContent(json.RawMessage(in))
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
