package main

import (
	"regexp"
	"strings"
	"testing"
)

// same reports whether two runs of a command came to the same.
func same(a, b step) bool { return a.command == b.command && stable(a.output) == stable(b.output) }

// volatile is what differs from run to run, and what stands for it. What a space may
// break, a line break may break, too.
var volatile = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\btoken\s+[0-9a-f]{8}\b`), "token HASH"}, // before DURATION: 6516629d is a hash
	{regexp.MustCompile(`\d{4}-\d\d-\d\d(T|\s+)\d\d:\d\d(:\d\d(\.\d+)?)?Z?`), "TIME"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "CLOCK"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(ms|µs|s|m|h|d))+\b`), "DURATION"},
	{regexp.MustCompile(`\b\d+\s+MiB\s+left\b`), "SPACE left"},
	{regexp.MustCompile(`\b\d+(\.\d+)?\s+([KMG]i)?B\b`), "SIZE"},
	{regexp.MustCompile(`\b(process|pid)\s+\d+\b`), "PROCESS"},
	// While a lane is down, its probe is in flight, or waits, or is pulled again.
	{regexp.MustCompile(`(?m)^(\S+) +\d+ +\d+ +\d+ +\d+ +down +\S+$`), "$1 down"},
	{regexp.MustCompile(`(?m)^PUSH_RETRY .*$`), "PUSH_RETRY"},
	{regexp.MustCompile(`(?m)^ +CLOCK +the same again, \d+ times in all\n`), ""}, // as long as an outage takes
}

// stable is an output without what is volatile.
func stable(output string) string {
	for _, v := range volatile {
		output = v.pattern.ReplaceAllString(output, v.instead)
	}
	return strings.Join(strings.Fields(output), " ")
}

// TestRunsAreTheSame: what differs from run to run makes no difference, whatever it
// happens to look like.
func TestRunsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, one, other string
		differ           bool
	}{
		{"hashes", `token 019d349e: retried`, `token a1b2c3d4: retried`, false},
		{"a hash that looks like a duration", `token 019d349e: retried`, `token 6516629d: retried`, false},
		{"a hash that looks like several", `token 019d349e: retried`, `token 1d22d34d: retried`, false},
		{"a hash of digits", `token 019d349e: retried`, `token 12345678: retried`, false},
		{"a hash on the next line", "token 019d349e: retried", "token\n            6516629d: retried", false},
		{"no hash", `token 019d349e: retried`, `token 019d349: retried`, true},
		{"a time on two lines", `at 2026-11-28 21:44:45Z: 1`, "at 2026-11-28\n    21:44:46Z: 1", false},
		{"sizes", `PUSH 3 720 B 8.0 GiB`, `PUSH 3 1.2 KiB 8.0 GiB`, false},
		{"counts", `PUSH 3 720 B 8.0 GiB`, `PUSH 4 720 B 8.0 GiB`, true},
		{"a process on two lines", `process 31027 uses`, "process\n      26778 uses", false},
		{"space", `has 64938 MiB left`, "has 39311\n      MiB left", false},
		{"a shorter outage", "  21:44:40  down\n  21:44:44  the same again, 3 times in all\n", "  21:44:40  down\n", false},
		{"another outcome", "  21:44:45  attempt 2, done: 1 accepted\n", "  21:44:45  attempt 2, done: 1 gone\n", true},
	} {
		if same(step{"c", c.one}, step{"c", c.other}) == c.differ {
			t.Errorf("%s: %q and %q: the same is %t", c.name, stable(c.one), stable(c.other), !c.differ)
		}
	}
}
