package wire_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pushworker/pushworker/internal/broker/wire"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in    string
		limit int
		want  string
	}{
		{"plain", 10, "plain"},
		{"a\r\nNats-Schedule: @every 1s", 100, "a  Nats-Schedule: @every 1s"},
		{"tab\tnul\x00esc\x1b del\x7f c1\u0085 ls\u2028", 100, "tab nul esc  del  c1  ls"},
		{"bad \xff\xfe utf", 100, "bad \ufffd utf"},
		{"héé", 2, "h"},
		{"héé", 3, "hé"},
		{"  padded  ", 100, "padded"},
		{"", 0, ""},
	} {
		if got := wire.OneLine(test.in, test.limit); got != test.want {
			t.Errorf("OneLine(%q, %d) = %q, want %q", test.in, test.limit, got, test.want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\r\nb: c", 10)
	f.Add("\xc3\xa9\xc3", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit &= 0xfff
		got := wire.OneLine(s, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("OneLine(%q, %d) = %q", s, limit, got)
		}
	})
}
