package device_test

import (
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/device"
)

// window is what is counted between two judgements, and what is said then: "" for nothing.
type window struct {
	users, with int
	want        string
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	usual := []window{{1000, 800, ""}, {1000, 790, ""}, {1000, 810, ""}, {1000, 800, ""}, {1000, 800, ""}}
	for name, windows := range map[string][]window{
		"nobody is known":                     {{20, 0, "none of the 20 users"}, {500, 0, "none of the 500 users"}},
		"too few to say":                      {{19, 0, ""}, {0, 0, ""}},
		"few add up":                          {{19, 0, ""}, {1, 0, "none of the 20 users"}},
		"what was said stands while it idles": {{20, 0, "none"}, {0, 0, "none"}, {3, 3, "none"}, {20, 1, ""}},
		"many strangers may be usual":         {{1000, 100, ""}, {1000, 100, ""}, {1000, 100, ""}, {1000, 100, ""}, {1000, 100, ""}, {1000, 100, ""}},
		"a jump":                              append(usual[:5:5], window{1000, 400, "60 % of the 1000 users who were looked up last have no device, where 20 % are usual"}, window{1000, 800, ""}),
		"a jump of few is chance":             append(usual[:5:5], window{99, 40, ""}),
		"a little more is none":               append(usual[:5:5], window{1000, 600, ""}),
		"nothing is usual at first":           {{1000, 900, ""}, {1000, 100, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c device.Coverage
			for i, w := range windows {
				c.Count(w.users, w.with)
				err := c.Judge()
				if (err == nil) != (w.want == "") || err != nil && !strings.Contains(err.Error(), w.want) {
					t.Errorf("window %d: %v, want %q", i, err, w.want)
				}
				if problem := c.Problem(); (problem == nil) != (err == nil) {
					t.Errorf("window %d: Problem = %v, Judge = %v", i, problem, err)
				}
			}
		})
	}
}

// TestCoverageGetsUsedToIt: a share that stays is usual after an hour, so that nobody is
// told for ever.
func TestCoverageGetsUsedToIt(t *testing.T) {
	t.Parallel()
	var c device.Coverage
	judge := func(with int) error {
		c.Count(1000, with)
		return c.Judge()
	}
	for range 10 {
		if err := judge(900); err != nil {
			t.Fatal(err)
		}
	}
	told := 0
	for judge(400) != nil {
		if told++; told > 120 {
			t.Fatal("it is told for two hours")
		}
	}
	if told < 10 {
		t.Errorf("it is told for %d minutes only", told)
	}
}
