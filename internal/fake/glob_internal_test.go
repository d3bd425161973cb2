package fake

import (
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "abc", true},
		{"*", "", true},
		{"*c", "abc", true},
		{"*c", "cb", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a*b*c", "a--b--c", true},
		{"a*b*c", "a--c--b", false},
		{"a*a", "a", false},
		{"*ab*ab", "xabab", true},
		{"*ab*ab", "xab", false},
		{"/topics/*", "/topics/x", true},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 5000), false},
	} {
		if got := glob(c.pattern, c.text); got != c.want {
			t.Errorf("glob(%q, %.20q) = %v", c.pattern, c.text, got)
		}
	}
}
