package wire_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

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

// A publisher's wait is believed if it is whole seconds, in digits, and at most a year.
func TestReadWaited(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"1": time.Second, "10800": 3 * time.Hour, "007": 7 * time.Second, "31536000": 365 * 24 * time.Hour,
		"31536001": 0, "4294967296": 0, "99999999999999999999999": 0, "0": 0, "-1": 0, "+1": 0, "1.5": 0, "1e3": 0, "0x10": 0, "1_0": 0,
		"3h": 0, " 1": 0, "": 0, "long": 0,
	} {
		for _, name := range []string{"Push-Waited", "push-waited"} {
			if p := wire.ReadPublished(nats.Header{name: {text}}); p.Waited != want || p.Header != nil {
				t.Errorf("%s: %q is read as %+v, want %s", name, text, p, want)
			}
		}
	}
	if p := wire.ReadPublished(nats.Header{"Push-Waited": nil, "X": {"1"}}); p.Waited != 0 || len(p.Header) != 1 {
		t.Errorf("without a value it is read as %+v", p)
	}
}
