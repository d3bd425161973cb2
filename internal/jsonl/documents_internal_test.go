package jsonl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cut lists what a Reader makes of an input, each piece with its line.
func cut(input io.Reader, limit int) []string {
	r := NewReader(input, limit)
	var got []string
	for {
		p, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return got
		case errors.Is(err, ErrTooLong):
			got = append(got, fmt.Sprintf("%d too long", p.Line))
		case err != nil:
			got = append(got, fmt.Sprintf("%d %s", p.Line, err))
		default:
			got = append(got, fmt.Sprintf("%d %s", p.Line, p.Data))
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	const limit = 40
	long := strings.Repeat("x", limit)
	tests := map[string]struct {
		input string
		want  []string
	}{
		"nothing":                  {"", nil},
		"blank":                    {" \n\r\n\t\n", nil},
		"one line":                 {`{"a":1}`, []string{`1 {"a":1}`}},
		"lines":                    {"{}\n\r\n  {\"a\":1} \r\n{}\n", []string{"1 {}", `3 {"a":1}`, "4 {}"}},
		"pretty":                   {"\n{\n \"a\": [\n1 ]\n}\n\n", []string{"2 {\n \"a\": [\n1 ]\n}"}},
		"pretty twice":             {"{\n}\n{\n}\n", []string{"1 {\n}", "3 {\n}"}},
		"bracket at line start":    {"{\"a\":\n{\"b\":\n[1\n]}}", []string{"1 {\"a\":\n{\"b\":\n[1\n]}}"}},
		"blank line inside":        {"{\n\n}", []string{"1 {\n\n}"}},
		"brackets in strings":      {"{\"a\":\"}{\\\"{\"}\n{}", []string{`1 {"a":"}{\"{"}`, "2 {}"}},
		"open line among lines":    {"{\"a\":{}\n{\"b\":1}\n{\"c\":{}\n{}", []string{`1 {"a":{}`, `2 {"b":1}`, `3 {"c":{}`, "4 {}"}},
		"open line before array":   {"{\"a\":1\n[2]\n{}", []string{`1 {"a":1`, "2 [2]", "3 {}"}},
		"closed too often":         {"}}\n{}", []string{"1 }}", "2 {}"}},
		"ends open":                {"{\n\"a\":", []string{"1 {\n\"a\":"}},
		"garbage":                  {"no JSON\n\xff\x00\n", []string{"1 no JSON", "2 \xff\x00"}},
		"line of the limit":        {long + "\n{}", []string{"1 " + long, "2 {}"}},
		"line over the limit":      {long + "x\n{}", []string{"1 too long", "2 {}"}},
		"last line over the limit": {"{}\n" + long + "x", []string{"1 {}", "2 too long"}},
		"pretty over the limit": {"{}\n{\n\"a\":\"" + long[:20] + "\",\n\"b\":\"" + long[:20] + "\"}\n{}", []string{
			"1 {}", "2 a receipt that begins here is larger than 40 bytes (PUSHWORKER_MAX_RECEIPT_BYTES); the input is not read on",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, cut(strings.NewReader(test.input), limit)); diff != "" {
				t.Errorf("pieces (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReaderKeepsNothingOfALineThatIsTooLong(t *testing.T) { //nolint:paralleltest // AllocsPerRun forbids it
	allocs := testing.AllocsPerRun(10, func() {
		if diff := cmp.Diff([]string{"1 too long"}, cut(io.LimitReader(zeros{}, 16<<20), 1000)); diff != "" {
			t.Errorf("pieces (-want +got):\n%s", diff)
		}
	})
	if allocs > 40 { // 23; a slice that grows to 16 MiB would take 25 more
		t.Errorf("a line of 16 MiB over a limit of 1000 bytes takes %v allocations", allocs)
	}
}

// zeros is an endless line.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestReaderTellsReadErrors(t *testing.T) {
	t.Parallel()
	in := io.MultiReader(strings.NewReader("{}\n{"), failing{})
	if diff := cmp.Diff([]string{"1 {}", "2 disk on fire"}, cut(in, 100)); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// FuzzReceiptReader checks that nothing gets lost and nothing is made up.
func FuzzReceiptReader(f *testing.F) {
	for _, seed := range []string{"{}\n{\n\"a\":[1,\n2]}\n", "{\"a\":{}\n{\"b\":1}\n[", "\"\\\"\n}{\r\n\n x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r := NewReader(bytes.NewReader(input), len(input)+1)
		var all []byte
		line := 0
		for {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Line <= line || len(p.Data) == 0 {
				t.Fatalf("piece %q of line %d after line %d", p.Data, p.Line, line)
			}
			line = p.Line
			all = append(all, p.Data...)
		}
		if diff := cmp.Diff(solid(input), solid(all)); diff != "" {
			t.Errorf("the pieces are not the input (-want +got):\n%s", diff)
		}
	})
}

// solid is b without white space.
func solid(b []byte) string {
	return strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(string(b))
}
