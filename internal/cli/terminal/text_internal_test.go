package terminal

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain, \"é\" 世界 \\":       "plain, \"é\" 世界 \\",
		"two\nlines":               "two\nlines",
		"\x1b[31m\a\b\r\t\x00":     `\x1b[31m\a\b\r\t\x00`,
		"\u009b1J\u202e\u2066":     `\u009b1J\u202e\u2066`,
		"bad \xff\xc3 UTF-8":       `bad \xff\xc3 UTF-8`,
		"tag \U000e0041":           `tag \U000e0041`,
		"👨\u200d👩\u200d👧 क\u094dष": "👨\u200d👩\u200d👧 क\u094dष",
	}
	for in, want := range tests {
		if got := Printable(in); got != want {
			t.Errorf("printable(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestPrintableJSONMeansTheSame(t *testing.T) {
	t.Parallel()
	const in = `{"a":"é` + "\x7f\u009b\u202e\U000e0041" + `\u001b"}`
	out := PrintableJSON(in)
	if want := `{"a":"é\u007f\u009b\u202e\udb40\udc41\u001b"}`; out != want {
		t.Errorf("got %s, want %s", out, want)
	}
	var before, after any
	if err := errors.Join(json.Unmarshal([]byte(in), &before), json.Unmarshal([]byte(out), &after)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("meaning (-before +after):\n%s", diff)
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	durations := map[time.Duration]string{
		0: "0s", 1999 * time.Millisecond: "1s", 119 * time.Second: "119s", 2 * time.Minute: "2m",
		119 * time.Minute: "119m", 2 * time.Hour: "2h", 47 * time.Hour: "47h", 48 * time.Hour: "2d",
	}
	for d, want := range durations {
		if got := Duration(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
	sizes := map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 8 << 30: "8.0 GiB", 5 << 50: "5120.0 TiB"}
	for n, want := range sizes {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
