package terminal

import (
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

func TestTablesFitTerminalsAndAreWholeElsewhere(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("reason ", 40)
	rows := [][]string{
		{"SEQ", "HANDLER", "TOPIC", "ERROR"},
		{"1234567", "fcm", "a-topic-whose-name-is-longer-than-most-of-them", long + "end"},
		{"1", "👨‍👩‍👧‍👦", "世界世界世界世界世界世界世界世界世界世界世界世界", "क्ष"},
	}
	for _, width := range []int{40, 60, 80, 200} {
		for _, line := range Align(rows, width) {
			if n := uniseg.StringWidth(line); n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
	}
	wide := Align(rows, 80)
	for _, want := range []string{"1234567  fcm", "reason reason", "…"} {
		if !strings.Contains(wide[1], want) {
			t.Errorf("no %q in %q", want, wide[1])
		}
	}
	whole := Align(rows, 0)
	if !strings.HasSuffix(whole[1], "end") || slices.ContainsFunc(whole, func(l string) bool { return strings.Contains(l, "…") }) {
		t.Errorf("a pipe gets less than all: %q", whole)
	}
}

func TestClipCutsNoCharacter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"short": "short", "exactly 10": "exactly 10", "one too many": "one too m…",
		"世界世界世界":            "世界世界…",
		"12345678क्षक्षक्ष": "12345678…",
		"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301": strings.Repeat("e\u0301", 9) + "…",
		"12345678👨‍👩‍👧‍👦👨‍👩‍👧‍👦":                                                        "12345678…",
	} {
		if got := Clip(in, 10); got != want {
			t.Errorf("clip(%q) is %q, want %q", in, got, want)
		}
	}
}
